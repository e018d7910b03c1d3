"""Trees of options as people and programs may write them, true and lying."""

from __future__ import annotations

from hypothesis import strategies as st

from execution.core.account_options import OPTIONS

#: Names that ccxt's constructor would take and that nobody may set, and others.
OTHER_NAMES = [
    *("has", "verbose", "session", "enableRateLimit", "headers", "userAgent", "verify", "cafile", "proxies"),
    *("aiohttp_proxy", "aiohttpProxy", "aiohttp_trust_env", "trust_env", "proxyUrl", "proxy_url", "proxy"),
    *("proxyUrlCallback", "httpProxy", "http_proxy", "https_proxy", "socksProxy", "wsProxy", "wss_proxy"),
    *("Sandbox", "SANDBOX", "testnet", "isSandboxModeEnabled", "URLs", "hostName", "host_name", "id", "sign"),
    *("timeoutOnExit", "asyncio_loop", "ssl_context", "fetch", "urls ", "options.sandboxMode", "__class__"),
]

#: Names of credentials, as ccxt and as the headers of the exchanges spell them.
SECRETS = [
    *("apiKey", "api_key", "APIKEY", "Api-Key", "secret", "Secret", "clientSecret", "password", "passphrase"),
    *("uid", "accountId", "account_id", "login", "privateKey", "private_key", "walletAddress", "token"),
    *("twofa", "Authorization", "X-MBX-APIKEY", "OK-ACCESS-KEY", "OK-ACCESS-SIGN", "OK-ACCESS-PASSPHRASE"),
    *(
        "X-BAPI-API-KEY",
        "X-BAPI-SIGN",
        "KC-API-KEY",
        "KC-API-PASSPHRASE",
        "KEY",
        "SIGN",
        "API-Key",
        "API-Sign",
    ),
    *("ACCESS-KEY", "access_token", "Cookie", "bearer"),
]

ADDRESSES = st.sampled_from(
    [
        *("http://127.0.0.1:1/api", "ws://localhost:1", "https://api.binance.com/api/v3", "http://[::1]:2/x"),
        *("https://paper.example.com", "http://me:x@127.0.0.1", "wss://stream.bybit.com/v5", "http://127.1"),
        *("https://api.{hostname}", "", "http://127.0.0.1:99999"),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | ADDRESSES
NAMES = st.sampled_from([*OPTIONS, *OTHER_NAMES, *SECRETS, "api", "ws", "public", "defaultType", "test"])
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)
SHAPED = st.fixed_dictionaries(
    {},
    optional={
        "urls": st.fixed_dictionaries({"api": st.dictionaries(NAMES, ADDRESSES | TREES, max_size=3)}) | TREES,
        "hostname": ADDRESSES | st.sampled_from(["bybit.com", "127.0.0.1"]),
        "sandbox": st.booleans() | LEAVES,
        "httpsProxy": ADDRESSES,
        "options": st.dictionaries(NAMES, TREES, max_size=3),
    },
)
