// The services of strategies, backtests and rules: fetched with their screen.

import { createClient } from "@connectrpc/connect";
import { transport } from "../api";
import { AutomationService } from "../gen/xache/v1/automation_pb";
import { BacktestService } from "../gen/xache/v1/backtest_pb";
import { StrategyService } from "../gen/xache/v1/strategy_pb";

export const strategies = createClient(StrategyService, transport);
export const backtests = createClient(BacktestService, transport);
export const automation = createClient(AutomationService, transport);
