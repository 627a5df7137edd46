// The services of administrators: part of what only their own port serves.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { refusalOf, transport } from "../../api";
import { AdminService } from "../../gen/xache/v1/admin_pb";
import { RiskService } from "../../gen/xache/v1/risk_pb";
import { prove } from "../../proof";

export const admin = createClient(AdminService, transport);
export const risk = createClient(RiskService, transport);

const NEED_PROOF = ["CODE_REQUIRED", "STEP_UP_REQUIRED"];
let needsProof = false;

type Call<D extends DescMessage, A> = (
  request: MessageShape<D>, options?: { headers: Record<string, string> },
) => Promise<A>;

/** Make a call that takes a code, in a house whose administrators need one: a demo's do not. */
export async function coded<D extends DescMessage, A>(
  service: typeof AdminService | typeof RiskService,
  name: string,
  schema: D,
  request: MessageShape<D>,
  call: Call<D, A>,
): Promise<A> {
  if (!needsProof) {
    try {
      return await call(request);
    } catch (error) {
      if (!NEED_PROOF.includes(refusalOf(error).reason)) throw error;
      needsProof = true;
    }
  }
  return call(request, await prove(`/${service.typeName}/${name}`, schema, request));
}
