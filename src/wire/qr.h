/* qr.h - a QR code as a drawing. */
#ifndef USHER_WIRE_QR_H
#define USHER_WIRE_QR_H

#include "base/buf.h"

/* A longer text gives a code so fine that cameras miss it on a screen. */
enum { QR_TEXT_BYTES = 400 };

/* Appends an SVG element that shows `text`, dark on light with its margin, named `title` for those
 * who cannot see it. False when the text is too long or there is no memory: nothing is appended. */
bool
qr_draw(struct buf *out, const char *text, const char *title);

#endif
