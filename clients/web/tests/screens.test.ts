import { describe, expect, test } from "vitest";
import { t } from "../src/messages";
import { partsOf } from "../src/router";
import { hexBytes, hexText } from "../src/screens/api_keys";
import { pathOf } from "../src/screens/qr_code";
import { lifetimeMs } from "../src/session";
import { EndReason, OrderStatus, OrderType } from "../src/gen/xache/v1/types_pb";
import { ActivityKind } from "../src/gen/xache/v1/account_pb";
import { FiringState, RuleState } from "../src/gen/xache/v1/automation_pb";
import { BacktestPhase, BacktestState, BacktestVerdict } from "../src/gen/xache/v1/backtest_pb";
import { ParityCauseKind, SeenKind, StrategyStage, StrategyWish } from "../src/gen/xache/v1/strategy_pb";
import { TransactionKind } from "../src/gen/xache/v1/wallet_pb";

function numbersOf(names: Record<string, string | number>): number[] {
  return Object.values(names).filter((value) => typeof value === "number");
}

describe("words", () => {
  test.each([
    [OrderStatus, t.orders.statuses], [OrderType, t.orders.types], [EndReason, t.orders.reasons],
    [ActivityKind, t.security.kinds], [TransactionKind, t.wallets.kinds],
    [StrategyStage, t.strategies.stages], [StrategyWish, t.strategies.wishes], [SeenKind, t.explain.kinds],
    [ParityCauseKind, t.parity.causeNames],
    [BacktestState, t.backtests.states], [BacktestPhase, t.backtests.phases], [BacktestVerdict, t.backtests.verdicts],
    [RuleState, t.rules.states], [FiringState, t.rules.firingStates],
  ])("there is one for everything that the house can tell", (numbers, words: readonly string[]) => {
    for (const number of numbersOf(numbers as Record<string, string | number>)) {
      if (number) expect(words[number], String(number)).toBeTruthy();
    }
  });
});

describe("small things", () => {
  test("a path has parts", () => {
    expect(partsOf("/trade/BTC-USDT")).toEqual(["trade", "BTC-USDT"]);
    expect(partsOf("/")).toEqual([]);
  });

  test("a token says how long it lives", () => {
    const payload = btoa(JSON.stringify({ iat: 1000, exp: 1300 })).replace(/=+$/, "");
    expect(lifetimeMs(`head.${payload}.sign`)).toBe(300_000);
  });

  test("keys are 64 hexadecimal digits", () => {
    const text = "00ff".repeat(16);
    expect(hexText(hexBytes(text) ?? new Uint8Array())).toBe(text);
    for (const wrong of ["", "zz", text.slice(2), `${text}00`]) expect(hexBytes(wrong)).toBeUndefined();
  });

  test("only the path of a drawing is taken over", () => {
    const svg = '<svg width="164" height="164" class="segno"><path transform="scale(4)" class="qrline" stroke="#000" d="M4 4.5h7m1 0h2"/></svg>';
    expect(pathOf(svg)).toEqual({ size: 41, path: "M4 4.5h7m1 0h2" });
    expect(pathOf('<svg width="9"><path d="M0 0" onload="x"/></svg>')).toEqual({ size: 9, path: "M0 0" });
    expect(pathOf('<svg width="9"><script>1</script></svg>')).toBeUndefined();
  });
});
