// A ZIP file of files that are kept as they are: what an export is saved as.
//
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, without compression and ZIP64.

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const UTF8_NAMES = 0x0800;
const VERSION = 20;
const DAY_ONE = 0x21; // 1980-01-01: a file says nothing of when it was made.

export interface ZipFile {
  name: string;
  pieces: readonly Uint8Array[];
}

/** The files as one. */
export function zipOf(files: readonly ZipFile[]): Blob {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const { name, pieces } of files) {
    const bytes = new TextEncoder().encode(name);
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const shared = [VERSION, UTF8_NAMES, 0, 0, DAY_ONE] as const;
    const sums = [crcOf(pieces), size, size] as const;
    const head = record([["w", LOCAL], ...shorts(shared), ...words(sums), ["s", bytes.length], ["s", 0]], bytes);
    const entry = [["w", CENTRAL], ["s", VERSION], ...shorts(shared), ...words(sums), ["s", bytes.length]] as const;
    const place = [...shorts([0, 0, 0, 0]), ["w", 0], ["w", offset]] as const;
    directory.push(record([...entry, ...place], bytes));
    parts.push(head, ...pieces.map((piece) => new Uint8Array(piece)));
    offset += head.length + size;
  }
  const length = directory.reduce((sum, entry) => sum + entry.length, 0);
  const counts = shorts([0, 0, files.length, files.length]);
  const end = record([["w", END], ...counts, ["w", length], ["w", offset], ["s", 0]]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

type Figure = readonly [size: "s" | "w", value: number];

function shorts(values: readonly number[]): Figure[] {
  return values.map((value) => ["s", value] as const);
}

function words(values: readonly number[]): Figure[] {
  return values.map((value) => ["w", value] as const);
}

/** Numbers of two and four bytes, then text. */
function record(numbers: readonly Figure[], text = new Uint8Array()): Uint8Array<ArrayBuffer> {
  const head = numbers.reduce((sum, [size]) => sum + (size === "w" ? 4 : 2), 0);
  const bytes = new Uint8Array(head + text.length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of numbers) {
    if (size === "w") view.setUint32(at, value, true);
    else view.setUint16(at, value, true);
    at += size === "w" ? 4 : 2;
  }
  bytes.set(text, at);
  return bytes;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  return sum;
});

function crcOf(pieces: readonly Uint8Array[]): number {
  let sum = 0xffffffff;
  for (const piece of pieces) {
    for (const byte of piece) sum = (TABLE[(sum ^ byte) & 0xff] ?? 0) ^ (sum >>> 8);
  }
  return (sum ^ 0xffffffff) >>> 0;
}
