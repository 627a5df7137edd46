// Screens whose script comes only when they are shown: the first page stays small.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "./messages";
import { Button, Notice } from "./ui";

/** A screen that is loaded when it is first shown, and is there at once from then on. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | undefined;
  return function Later(props: P) {
    // Not the component itself: a function for a state is called.
    const [, shown] = useState(loaded !== undefined);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (loaded) return;
      load().then(
        (found) => {
          loaded = found;
          shown(true);
        },
        () => setFailed(true),
      );
    }, []);
    if (loaded) {
      const Screen = loaded;
      return <Screen {...props} />;
    }
    return <Coming failed={failed} />;
  };
}

function Coming({ failed }: { failed: boolean }) {
  return (
    <main id="content" class="screen" aria-busy={!failed}>
      {failed ? (
        // A browser remembers what it could not load; a house that was renewed has other files.
        <Notice look="bad" alert>
          {t.app.notLoaded} <Button small onClick={() => location.reload()}>{t.app.reload}</Button>
        </Notice>
      ) : (
        <p class="unseen" role="status">{t.app.loading}</p>
      )}
    </main>
  );
}
