// Papers, sent piece by piece in one body. The transport of other calls refuses several messages,
// since a browser sends no body that is still being made; a file is there as a whole.

import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import type { UniversalClientRequest, UniversalClientResponse } from "@connectrpc/connect/protocol";
import { createTransport } from "@connectrpc/connect/protocol-grpc-web";
import { Said, calls } from "../api";
import {
  ComplianceService, type Document as Paper, type DocumentKind, UploadDocumentRequestSchema,
} from "../gen/xache/v1/compliance_pb";
import { t } from "../messages";

const PIECE_BYTES = 32 * 1_024;
const MESSAGE_BYTES_MAX = 64 * 1_024;
/** More is refused by the house after it has been sent; here it is not even read. */
const FILE_BYTES_MAX = 10 * 1_024 * 1_024;

const uploads = createClient(
  ComplianceService,
  createTransport({
    ...calls,
    httpClient: send,
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: 0,
    readMaxBytes: MESSAGE_BYTES_MAX,
    writeMaxBytes: MESSAGE_BYTES_MAX,
  }),
);

/** Upload a paper. Throws what the house refuses. */
export async function uploadPaper(kind: DocumentKind, file: File): Promise<Paper | undefined> {
  if (file.size > FILE_BYTES_MAX) throw new Said(t.account.tooLarge);
  const { document } = await uploads.uploadDocument(pieces(kind, file), { timeoutMs: 0 });
  return document;
}

async function* pieces(kind: DocumentKind, file: File) {
  for (let at = 0; at < Math.max(1, file.size); at += PIECE_BYTES) {
    const content = new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer());
    yield create(UploadDocumentRequestSchema, at ? { content } : { kind, content });
  }
}

async function send(request: UniversalClientRequest): Promise<UniversalClientResponse> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const part of request.body ?? []) parts.push(new Uint8Array(part));
  const answer = await fetch(request.url, {
    method: request.method,
    headers: request.header,
    body: new Blob(parts),
    ...(request.signal ? { signal: request.signal } : {}),
  });
  const whole = new Uint8Array(await answer.arrayBuffer());
  const body = async function* () {
    yield whole;
  };
  return { status: answer.status, header: answer.headers, body: body(), trailer: new Headers() };
}
