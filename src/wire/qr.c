/* qr.c - a QR code as a drawing; the one binding to libqrencode. */
#include "wire/qr.h"

#include <qrencode.h>

#include "wire/html.h"

enum { MARGIN = 4 }; /* modules, as readers expect (ISO/IEC 18004, 9.1) */

static bool
is_dark(const QRcode *code, int x, int y)
{
	return (code->data[y * code->width + x] & 1) != 0;
}

/* The dark modules of a row, each run as one rectangle. */
static void
draw_row(struct buf *out, const QRcode *code, int y)
{
	for (int x = 0, end; x < code->width; x = end) {
		for (end = x + 1;
		     end < code->width && is_dark(code, end, y) == is_dark(code, x, y);)
			end++;
		if (is_dark(code, x, y))
			buf_printf(
			    out, "M%d %dh%dv1H%dz", MARGIN + x, MARGIN + y, end - x, MARGIN + x);
	}
}

bool
qr_draw(struct buf *out, const char *text, const char *title)
{
	QRcode *code;
	int side;

	if (strlen(text) > QR_TEXT_BYTES)
		return false;
	code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
	if (code == NULL)
		return false;
	side = code->width + 2 * MARGIN;
	buf_printf(out, "<svg viewBox=\"0 0 %d %d\"", side, side);
	html_put(out, " role=\"img\" aria-label=\"$\" shape-rendering=\"crispEdges\">\n", title);
	buf_printf(
	    out, "<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>\n<path fill=\"#000\" d=\"", side, side);
	for (int y = 0; y < code->width; y++)
		draw_row(out, code, y);
	buf_text(out, "\"/>\n</svg>\n");
	QRcode_free(code);
	return true;
}
