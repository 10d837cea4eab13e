import { hash } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const SQUARE_PX = 64;

/**
 * An image with squares of two colours, drawn from `seed`: PNG with a palette and one bit a pixel (RFC 2083).
 * @param size width and height in pixels
 */
export const pngOf = (seed: string, { width, height }: { width: number; height: number }): Buffer => {
  const colours = hash('sha256', seed, 'buffer').subarray(0, 6);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // One bit a pixel, colours from a palette; the standard compression and filter, not interlaced.
  header.set([1, 3, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(linesOf(width, height))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
};

/** The lines of the image, each after a zero byte for no filter. */
const linesOf = (width: number, height: number): Buffer => {
  const line_bytes = 1 + Math.ceil(width / 8);
  const lines = Buffer.alloc(line_bytes * height);
  for (let y = 0; y < height; y += 1) {
    const odd = Math.floor(y / SQUARE_PX) % 2;
    for (let byte = 1; byte < line_bytes; byte += 1) {
      const square = Math.floor(((byte - 1) * 8) / SQUARE_PX) % 2;
      lines[y * line_bytes + byte] = square === odd ? 0xff : 0;
    }
  }
  return lines;
};

const chunk = (type: string, data: Buffer): Buffer => {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(data.length + 12);
  out.writeUInt32BE(data.length, 0);
  named.copy(out, 4);
  out.writeUInt32BE(crc32(named), data.length + 8);
  return out;
};
