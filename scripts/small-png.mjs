// Makes a picture of a page small: at most 256 colours, which is all that texts, boxes and wires need. A picture that Chromium
// has made goes in, one with a palette comes out; no other kind of PNG is understood.
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
const COLOURS = 256;

/** @param {Buffer} png of 8 bits per channel, without interlacing */
export function smallPng(png) {
  const { width, height, channels, data } = read(png);
  const pixels = unfilter(data, width * channels, height, channels);
  const counts = new Map();
  for (let at = 0; at < pixels.length; at += channels) {
    const colour = (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const palette = paletteOf(counts);
  const rows = Buffer.alloc((width + 1) * height);
  const nearest = new Map(palette.map((colour, index) => [colour, index]));
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += channels) {
      const colour = (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
      if (!nearest.has(colour)) nearest.set(colour, nearestOf(palette, colour));
      rows[y * (width + 1) + 1 + x] = nearest.get(colour);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]));
  const parts = [chunk('IHDR', header), chunk('PLTE', colours), chunk('IDAT', deflateSync(rows, { level: 9 }))];
  return Buffer.concat([SIGNATURE, ...parts, chunk('IEND', Buffer.alloc(0))]);
}

/** The most frequent colours, but none so near to a more frequent one that nobody can tell them apart. */
function paletteOf(counts) {
  const byCount = [...counts].sort(([, one], [, other]) => other - one).map(([colour]) => colour);
  for (let distance = 0; ; distance += 24) {
    const palette = [];
    for (const colour of byCount) {
      if (palette.length > COLOURS) break;
      if (palette.every((each) => distanceOf(each, colour) > distance)) palette.push(colour);
    }
    if (palette.length <= COLOURS) return palette;
  }
}

function distanceOf(one, other) {
  const [red, green, blue] = [16, 8, 0].map((shift) => ((one >> shift) & 255) - ((other >> shift) & 255));
  return red * red + green * green + blue * blue;
}

function nearestOf(palette, colour) {
  let best = 0;
  for (const [index, each] of palette.entries()) {
    if (distanceOf(each, colour) < distanceOf(palette[best], colour)) best = index;
  }
  return best;
}

function read(png) {
  const data = [];
  let header = Buffer.alloc(0);
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const content = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') header = content;
    if (type === 'IDAT') data.push(content);
    at += length + 12;
  }
  const channels = { 2: 3, 6: 4 }[header[9]];
  if (header[8] !== 8 || header[12] !== 0 || channels === undefined)
    throw new Error('this kind of PNG is not understood');
  return {
    width: header.readUInt32BE(0),
    height: header.readUInt32BE(4),
    channels,
    data: inflateSync(Buffer.concat(data)),
  };
}

/** Undoes the filters of PNG, chapter 9 of its specification. */
function unfilter(data, stride, height, channels) {
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y += 1) {
    const filter = data[y * (stride + 1)];
    for (let x = 0; x < stride; x += 1) {
      const left = x < channels ? 0 : pixels[y * stride + x - channels];
      const up = y === 0 ? 0 : pixels[(y - 1) * stride + x];
      const corner = x < channels || y === 0 ? 0 : pixels[(y - 1) * stride + x - channels];
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      pixels[y * stride + x] = data[y * (stride + 1) + 1 + x] + guess;
    }
  }
  return pixels;
}

function paeth(left, up, corner) {
  const [toLeft, toUp, toCorner] = [up - corner, left - corner, left + up - 2 * corner].map(Math.abs);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}

function chunk(type, content) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
