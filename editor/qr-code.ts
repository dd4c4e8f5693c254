/** A QR code as a picture: black on white in every theme, because cameras read it like that. */
/*! With QR Code Generator for JavaScript, Copyright (c) 2009 Kazuhiko Arase, under the MIT licence as in this package's LICENSE. */
import qrcode from 'qrcode-generator';

/** As wide as the standard wants the ground around it, in its own squares. */
const MARGIN = 4;
const SVG = 'http://www.w3.org/2000/svg';

/** @param label for screen readers */
export function qrPicture(text: string, label: string): SVGSVGElement {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const count = code.getModuleCount();
  const size = count + 2 * MARGIN;
  const squares: string[] = [];
  for (let row = 0; row < count; row += 1) {
    for (let column = 0; column < count; column += 1) {
      if (code.isDark(row, column)) squares.push(`M${column + MARGIN} ${row + MARGIN}h1v1h-1z`);
    }
  }
  const picture = document.createElementNS(SVG, 'svg');
  const part = (name: string, attributes: Record<string, string | number>): void => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
    picture.append(made);
  };
  picture.setAttribute('viewBox', `0 0 ${size} ${size}`);
  picture.setAttribute('role', 'img');
  picture.setAttribute('aria-label', label);
  picture.setAttribute('class', 'thekeys-qr');
  picture.setAttribute('shape-rendering', 'crispEdges');
  part('rect', { width: size, height: size, fill: '#fff' });
  part('path', { d: squares.join(''), fill: '#000' });
  return picture;
}
