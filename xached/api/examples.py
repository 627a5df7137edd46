"""Examples in the description of REST: requests that a test sends, and values by name of field."""

from __future__ import annotations

from typing import Any, Final

_ORDER: Final = {
    "clientOrderId": "my-first-order",
    "symbol": "BTC-USDT",
    "side": "SIDE_BUY",
    "type": "ORDER_TYPE_LIMIT",
    "price": "50000.00",
    "quantity": "0.01",
}

_EVERY_MONDAY: Final = {
    "schedule": {"cron": "0 9 * * mon"},
    "order": {"symbol": "BTC-USDT", "side": "SIDE_BUY", "quoteQuantity": "50.00"},
}

REQUESTS: Final[dict[str, Any]] = {
    "Register": {"email": "ada@example.org", "password": "kettle-anchor-moss-77"},
    "ConfirmRegistration": {"confirmationToken": "from-the-answer", "code": "123456"},
    "Login": {
        "email": "ada@example.org",
        "password": "kettle-anchor-moss-77",
        "device": "my laptop",
    },
    "CompleteLogin": {"secondFactorToken": "from-the-answer", "code": "123456"},
    "StartRecovery": {"email": "ada@example.org"},
    "FinishRecovery": {
        "recoveryToken": "from-the-answer",
        "code": "123456",
        "password": "another-kettle-anchor-78",
    },
    "StepUp": {
        "method": "/xache.v1.AuthService/EnrolSecondFactor",
        "request": "e30=",
        "password": "kettle-anchor-moss-77",
    },
    "OpenSubaccount": {"subaccount": "savings", "requestId": "open-savings"},
    "PlaceOrder": _ORDER,
    "PlaceOrders": {"orders": [_ORDER, {**_ORDER, "clientOrderId": "my-second-order"}]},
    "PreviewOrder": {"order": _ORDER},
    "AmendOrder": {
        "clientOrderId": "my-first-order",
        "symbol": "BTC-USDT",
        "quantity": "0.005",
        "requestId": "make-it-smaller",
    },
    "CancelAllAfter": {"timeoutMs": 60_000, "requestId": "still-here"},
    "StartBacktest": {
        "plugin": "sma",
        "terms": {"settingsJson": '{"fast": [5, 10], "slow": 30}', "histories": ["btcusdt"]},
        "requestId": "backtest-1",
    },
    "CreateRule": {"name": "weekly", "terms": _EVERY_MONDAY, "requestId": "weekly-1"},
    "CreateStrategy": {
        "name": "my-cross",
        "plugin": "sma",
        "symbols": ["BTC-USDT"],
        "settingsJson": '{"symbol": "BTC-USDT", "notional": "250"}',
        "budgetAsset": "USDT",
        "budget": "1000.00",
        "lossLimit": "100.00",
    },
    "UpdateStrategy": {
        "expectedVersion": 1,
        "settingsJson": '{"symbol": "BTC-USDT", "notional": "100"}',
        "lossLimit": "50.00",
    },
    "TransferFunds": {
        "targetSubaccount": "savings",
        "asset": "USDT",
        "amount": "25.00",
        "requestId": "put-aside",
    },
}
"""By method: the JSON of a request that is well formed."""

VALUES: Final[dict[str, Any]] = {
    "settings_json": '{"symbol": "BTC-USDT", "notional": "250"}',
    "symbol": "BTC-USDT",
    "asset": "USDT",
    "base_asset": "USDT",
    "price": "50000.00",
    "stop_price": "49000.00",
    "quantity": "0.01",
    "amount": "25.00",
    "subaccount": "main",
    "client_order_id": "my-first-order",
    "request_id": "once-and-no-more",
    "rule_id": "0f6d2c9a41b87e35",
    "backtest_id": "5b1e07c2d9f4a638",
    "page_size": 50,
    "interval": "1m",
}
"""By name of field; a parameter of a query shows it."""
