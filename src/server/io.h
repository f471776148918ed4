/* io.h - what an attempt to move bytes on a non-blocking socket can come to. */
#ifndef USHER_SERVER_IO_H
#define USHER_SERVER_IO_H

enum io_result {
	IO_DONE = 0,
	IO_WANT_READ,  /* try again when the socket is readable */
	IO_WANT_WRITE, /* try again when it is writable */
	IO_END,	       /* the peer sends no more */
	IO_PLAIN_HTTP, /* handshake only: the peer sends HTTP without TLS */
	IO_FAILED      /* the connection is of no more use */
};

#endif
