// Files: put together from what a stream brings, and handed over to the browser's own folder.

import { Said } from "./api";
import type { ServerShutdown } from "./gen/xache/v1/types_pb";
import { t } from "./messages";

const KEPT_MS = 60_000;

interface Piece {
  content: Uint8Array;
  shutdown?: ServerShutdown | undefined;
}

/** All that a stream brings. Throws where the house stops meanwhile: half a file is none. */
export async function wholeOf(stream: AsyncIterable<Piece>, type: string): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of stream) {
    if (piece.shutdown) throw new Said(t.app.cut);
    pieces.push(new Uint8Array(piece.content));
  }
  return new Blob(pieces, { type });
}

/** Hand a file over. */
export function saveFile(name: string, whole: Blob): void {
  const url = URL.createObjectURL(whole);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // Not at once: a browser may still have to ask where to put it.
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
