// Terms that somebody has not accepted yet: said on every screen, since nobody trades before.

import { useEffect } from "preact/hooks";
import type { Disclosure } from "../gen/xache/v1/compliance_pb";
import { t } from "../messages";
import { session } from "../session";
import { Store, useStore } from "../store";

const terms = new Store<{ pending: number }>({ pending: 0 });

export function isPending({ version, acceptedVersion }: Disclosure): boolean {
  return version !== acceptedVersion;
}

/** Take what was told of all terms: the screen that lists them has asked already. */
export function tellTerms(disclosures: readonly Disclosure[]): void {
  terms.setNow({ pending: disclosures.filter(isPending).length });
}

async function ask(): Promise<void> {
  const { compliance } = await import("../compliance");
  tellTerms((await compliance.listDisclosures({})).disclosures);
}

/** The line above a screen, asked for anew whenever another screen is opened. */
export function PendingTerms({ screen }: { screen: string }) {
  const accountId = useStore(session, (state) => state.accountId);
  const pending = useStore(terms, (state) => state.pending);
  useEffect(() => {
    // Where it cannot be told, an order is refused with the same words.
    ask().catch(() => undefined);
  }, [accountId, screen]);
  if (!pending) return null;
  return (
    <p class="banner warn" id="pending-terms">
      {t.account.pending(pending)} <a href="/account/terms">{t.account.readThem}</a>
    </p>
  );
}
