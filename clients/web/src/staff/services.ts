// The service of the staff, and of administrators where their port serves it.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { transport } from "../api";
import { StaffService } from "../gen/xache/v1/staff_pb";
import { prove } from "../proof";

export const staff = createClient(StaffService, transport);

interface Limits {
  timeoutMs?: number; // 0: however long it takes, as with a large paper
}

type Call<D extends DescMessage, A> = (
  request: MessageShape<D>, options: { headers: Record<string, string> } & Limits,
) => A;

/** Make a call of the staff that takes a fresh proof of its own. */
export async function proven<D extends DescMessage, A>(
  name: string, schema: D, request: MessageShape<D>, call: Call<D, A>, limits: Limits = {},
): Promise<Awaited<A>> {
  const options = await prove(`/${StaffService.typeName}/${name}`, schema, request);
  return await call(request, { ...options, ...limits });
}
