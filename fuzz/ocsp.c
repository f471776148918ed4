/* ocsp.c - any bytes for a responder's answer, and for the chain that is asked about. */
#include <stdint.h>
#include <stdlib.h>

#include "cert/ocsp.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 64 * 1024 };

/* What the answers of the corpus are about: its date, and a certificate with its issuer. */
static const int64_t now_s = 1795250100;
static const char chain[] = "-----BEGIN CERTIFICATE-----\n"
			    "MIIBhTCCASqgAwIBAgIBAjAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJDQTAeFw0y\n"
			    "NjEwMjIwODM1MDBaFw0yNzAyMTkwODM1MDBaMBsxGTAXBgNVBAMMEG1haWwuY29u\n"
			    "dG9zby5jb20wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATfnWXHi2lB0SO9+LyA\n"
			    "pRhml83LGRkvDbJP32Kh/+EH3RlLS8e5kV1bpiMHaMUZFutQNpV7C/qygWcmYzGy\n"
			    "vbl3o20wazBUBggrBgEFBQcBAQRIMEYwIQYIKwYBBQUHMAGGFWh0dHBzOi8vb2Nz\n"
			    "cC5leGFtcGxlLzAhBggrBgEFBQcwAYYVaHR0cDovL29jc3AuZXhhbXBsZS9hMBMG\n"
			    "A1UdJQQMMAoGCCsGAQUFBwMBMAoGCCqGSM49BAMCA0kAMEYCIQC6jgB9awS1O7vT\n"
			    "OomnttBqkRgRPva/tDDFM3+uqjJnGwIhAIH2zMFCRkgmW2FG0ymMKB+tJ7aFL9/L\n"
			    "O55q6wUZkgwo\n"
			    "-----END CERTIFICATE-----\n"
			    "-----BEGIN CERTIFICATE-----\n"
			    "MIIBKzCB0qADAgECAgEBMAoGCCqGSM49BAMCMA0xCzAJBgNVBAMMAkNBMB4XDTI2\n"
			    "MTAyMjA4MzUwMFoXDTI3MTEyMTA4MzUwMFowDTELMAkGA1UEAwwCQ0EwWTATBgcq\n"
			    "hkjOPQIBBggqhkjOPQMBBwNCAAToOey5Kzw+ScnNH0em+16YGw9EsxZsr9EPUK0l\n"
			    "vsgAKXbeXHY87HErLC06Q2E4hPCuJt+4z1eRb9OoynNV7lrvoyMwITAPBgNVHRMB\n"
			    "Af8EBTADAQH/MA4GA1UdDwEB/wQEAwIBBjAKBggqhkjOPQQDAgNIADBFAiEA6IJ9\n"
			    "wJaK08jHSoPU30Nq+79/zsX4nBj414sw8J6Q4EwCIFE7lYWzZ1C8rOAEL2eG0i3+\n"
			    "vJqmXHib+1CQw4DdWtqa\n"
			    "-----END CERTIFICATE-----\n";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(MEMORY);
	struct slice input = slice_from(data, size);
	struct ocsp_question question;
	struct ocsp_answer answer;

	if (ocsp_read(slice_of(chain), input, now_s, &answer, NULL) == USHER_OK &&
	    (answer.this_update > now_s + OCSP_SKEW_S || answer.next_update <= now_s))
		abort();
	if (mem != NULL && ocsp_ask(mem, input, NULL, &question, NULL) == USHER_OK &&
	    question.url != NULL &&
	    !slice_starts_nocase(slice_of(question.url), SLICE_LITERAL("http://")))
		abort();
	arena_free(mem);
	return 0;
}
