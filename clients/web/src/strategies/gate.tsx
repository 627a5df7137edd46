// From paper to money: by evidence, or by one sentence that its owner types.

import { useState } from "preact/hooks";
import { refusalOf } from "../api";
import { amount } from "../format";
import type { Strategy } from "../gen/xache/v1/strategy_pb";
import { t } from "../messages";
import { Button, Dialog, Failure, Field, Notice, say, useAction } from "../ui";
import { strategies } from "./services";

const GATE = "STRATEGY_GATE";

export function GoLive({ strategy, onClose, onLive }: { strategy: Strategy; onClose: () => void; onLive: () => void }) {
  const [sentence, setSentence] = useState("");
  const [typed, setTyped] = useState("");
  const live = useAction(async () => {
    try {
      await strategies.goLive({ name: strategy.name, acknowledgement: typed });
    } catch (error) {
      const refused = refusalOf(error);
      // The house says which sentence it wants to read.
      if (refused.reason === GATE && refused.facts.allowed && !sentence) {
        setSentence(refused.facts.allowed);
        return;
      }
      throw error;
    }
    say(t.strategies.live(strategy.name));
    onLive();
  });
  const what = `${amount(strategy.budget, 2)} ${strategy.budgetAsset}`;
  const loss = `${amount(strategy.lossLimit, 2)} ${strategy.budgetAsset}`;
  return (
    <Dialog title={t.strategies.liveTitle(strategy.name)} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          live.run();
        }}
      >
        <p>{t.strategies.liveText(what, loss)}</p>
        {strategy.lacking && <Notice look="warn">{t.strategies.lacking(strategy.lacking)}</Notice>}
        {sentence && (
          <>
            <p class="quiet">{t.strategies.type}</p>
            <p class="sentence" id="sentence">{sentence}</p>
            <Field
              label={t.strategies.word}
              value={typed}
              onInput={setTyped}
              error={typed && !sentence.startsWith(typed) ? t.strategies.notTheWord : undefined}
              autoFocus
              required
            />
          </>
        )}
        <Failure error={live.error} />
        <div class="acts">
          <Button type="submit" look="danger" busy={live.busy} disabled={sentence !== "" && typed !== sentence}>
            {t.strategies.goLive}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
