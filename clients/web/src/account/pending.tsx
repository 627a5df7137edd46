// Terms that somebody has not accepted yet: said on every screen, since nobody trades before.

import { useEffect } from "preact/hooks";
import type { Disclosure, ListDisclosuresResponse } from "../gen/xache/v1/compliance_pb";
import { t } from "../messages";
import { session } from "../session";
import { Store, useStore } from "../store";

const terms = new Store<{ accountId: string; pending: number }>({ accountId: "", pending: 0 });
let asked = 0;

export function isPending({ version, acceptedVersion }: Disclosure): boolean {
  return version !== acceptedVersion;
}

/** Ask for all terms, and say on every screen how many wait. */
export async function askTerms(): Promise<ListDisclosuresResponse> {
  const { compliance } = await import("../compliance");
  const { accountId } = session.state;
  asked += 1;
  const mine = asked;
  const told = await compliance.listDisclosures({});
  // An answer that was overtaken may be older than what was accepted since.
  if (mine === asked) terms.setNow({ accountId, pending: told.disclosures.filter(isPending).length });
  return told;
}

/** The line above a screen, asked for anew whenever another screen is opened. */
export function PendingTerms({ screen }: { screen: string }) {
  const accountId = useStore(session, (state) => state.accountId);
  const pending = useStore(terms, (state) => (state.accountId === accountId ? state.pending : 0));
  useEffect(() => {
    // Where it cannot be told, an order is refused with the same words.
    askTerms().catch(() => undefined);
  }, [accountId, screen]);
  if (!pending) return null;
  return (
    <p class="banner warn" id="pending-terms">
      {t.account.pending(pending)} <a href="/account/terms">{t.account.readThem}</a>
    </p>
  );
}
