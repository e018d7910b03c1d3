"""The codes of all refusals. Programs read the code instead of the message.

A code never changes its meaning. ``docs/reference/error-codes.md`` is generated from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Code(StrEnum):
    """A code of a refusal: the code, the field that it names, what it means, and what to do."""

    field: str
    meaning: str
    remedy: str

    def __new__(cls, value: str, field: str, meaning: str, remedy: str) -> Code:
        member = str.__new__(cls, value)
        member._value_ = value
        member.field, member.meaning, member.remedy = field, meaning, remedy
        return member

    # fmt: off

    # Any value
    VALUE_MISSING = ("value_missing", "any",
        "A required value is missing.", "Send the value.")
    VALUE_MALFORMED = ("value_malformed", "any",
        "The desk cannot read the value.", "Write the value as `message` says.")
    VALUE_WRONG_TYPE = ("value_wrong_type", "any",
        "The value has the wrong JSON type.", "Send the JSON type in `limit`.")
    VALUE_NOT_ALLOWED = ("value_not_allowed", "any",
        "The value is not one of the allowed values.", "Choose one of the values in `limit`.")
    VALUE_OUT_OF_RANGE = ("value_out_of_range", "any",
        "The number or time is too small or too large.", "Stay within the bound in `limit`.")
    LENGTH_OUT_OF_RANGE = ("length_out_of_range", "any",
        "The text or list is too short or too long.", "Stay within the length in `limit`.")
    VALUE_REPEATED = ("value_repeated", "any",
        "The same name, or the same row of a basket, is given more than once.", "Give it once.")
    FIELD_UNKNOWN = ("field_unknown", "the unknown field",
        "This request has no field of this name.", "Remove the field.")
    MORE_PROBLEMS = ("more_problems", "",
        "There are more problems than one answer lists.", "Correct the listed problems first, and send again.")

    # Requests
    BODY_UNREADABLE = ("body_unreadable", "",
        "The body is not valid JSON.", "Correct the JSON.")
    MEDIA_TYPE_UNSUPPORTED = ("media_type_unsupported", "",
        "The request does not declare its body as JSON.", "Send `Content-Type: application/json`.")
    UNAUTHENTICATED = ("unauthenticated", "",
        "The API token is missing, unknown, expired or revoked.", "Send a valid token.")
    NOT_FOUND = ("not_found", "",
        "The thing at this address does not exist, or you may not see it.", "Check the address.")
    METHOD_NOT_ALLOWED = ("method_not_allowed", "",
        "The address does not accept this HTTP method.", "Use a method that the header `Allow` names.")
    REQUEST_TOO_LARGE = ("request_too_large", "part of the request",
        "The address, the headers or the body of the request are too large.", "Send less.")
    REQUEST_TOO_SLOW = ("request_too_slow", "request",
        "The request took too long to arrive.", "Send the request again.")
    RATE_LIMITED = ("rate_limited", "",
        "You sent too many requests.", "Wait as long as the header `Retry-After` says.")
    REQUEST_REFUSED = ("request_refused", "",
        "The desk refused the request for a reason that has no code.", "Read `status` and `detail`.")
    BUSY = ("busy", "",
        "The desk is busy and did not carry out the request.", "Send the request again later.")
    INTERNAL_ERROR = ("internal_error", "",
        "The desk failed. It may have carried out the request.", "Read the state, then try again.")
    DATABASE_UNAVAILABLE = ("database_unavailable", "",
        "The desk cannot reach its database. It may have carried out the request.",
        "Send the request again with the same idempotency key.")

    # People
    ROLE_NOT_ALLOWED = ("role_not_allowed", "role, if any",
        "Your role does not allow this action.", "Ask somebody with the role in `limit`.")
    NOT_YOUR_ORDER = ("not_your_order", "",
        "The order belongs to somebody else.", "Ask the trader of the order.")
    LAST_ADMIN = ("last_admin", "role, is_active",
        "This change would leave the desk without an active admin.", "Make another admin first.")
    PERSON_INACTIVE = ("person_inactive", "person",
        "The person is not active.", "Activate the person first.")
    TOO_MANY_TOKENS = ("too_many_tokens", "",
        "The person already has as many valid API tokens as allowed.", "Revoke one of the tokens first.")
    SCOPE_MISSING = ("scope_missing", "",
        "The scopes of your API token do not allow this request.", "Use a token with a scope that `detail` names.")
    ADDRESS_NOT_ALLOWED = ("address_not_allowed", "",
        "Your API token may not be used from this network address.", "Send from an address that the token allows.")
    NAME_TAKEN = ("name_taken", "username",
        "Somebody already has this name, or a name that looks like it.", "Choose another name.")
    CODE_WRONG = ("code_wrong", "code, password",
        "The code of the authenticator, or the password, is not right.",
        "Use the code that the authenticator shows now, and your present password.")
    FACTOR_EXISTS = ("factor_exists", "",
        "The person already has a second factor for the login.", "Remove the present factor first.")
    FACTOR_MISSING = ("factor_missing", "",
        "The person has no second factor for the login, or their role must keep it.",
        "If there is none, make one under *Your account*.")
    ACCESS_WAITING = ("access_waiting", "",
        "A request for the same change already waits for a second person.",
        "Have that request decided first, or withdraw it.")
    ACCESS_DECIDED = ("access_decided", "",
        "Somebody has decided the request for access, or it has expired.", "Make a new request.")
    ACCESS_OWN = ("access_own", "",
        "You cannot decide your own request, or do this to yourself.", "Ask another admin or supervisor.")
    ACCESS_OUTDATED = ("access_outdated", "",
        "The request differs from what you saw, or its subject has changed since.", "Make a new request.")
    CONFIRMATION_PHRASE_WRONG = ("confirmation_phrase_wrong", "phrase",
        "The confirmation phrase was not typed as shown.", "Type the phrase in `limit`.")

    # Placing orders
    ALGORITHM_UNKNOWN = ("algorithm_unknown", "algorithm",
        "The desk has no such algorithm.", "Choose one of the algorithms in `limit`.")
    ACCOUNT_UNKNOWN = ("account_unknown", "accounts",
        "You have no account of this name.", "Choose one of your accounts.")
    ACCOUNT_WITHOUT_KEY = ("account_without_key", "accounts",
        "The account has no exchange key in use.", "Ask an admin to add a key.")
    ACCOUNT_UNAVAILABLE = ("account_unavailable", "accounts",
        "The account cannot be used at the moment.", "Leave the account out, or wait.")
    SYMBOL_NOT_LISTED = ("symbol_not_listed", "symbol",
        "The account does not trade the symbol.", "Choose one of the symbols in `limit`.")
    MARKET_UNKNOWN = ("market_unknown", "symbol",
        "The desk does not know the symbol's lot, tick and minimum yet.",
        "Wait until the venue has answered, then send again.")
    MARKET_CLOSED = ("market_closed", "accounts",
        "The market of an account accepts no such order now.",
        "Leave the account out, or wait until its market is open.")
    PRICE_UNKNOWN = ("price_unknown", "quantity, limit_price",
        "The desk knows no price of the symbol.", "Give a limit price, or wait for market data.")
    QUANTITY_BELOW_MINIMUM = ("quantity_below_minimum", "quantity",
        "The quantity is below the exchange's minimum.", "Ask for at least the quantity in `limit`.")
    QUANTITY_OFF_LOT = ("quantity_off_lot", "quantity",
        "The quantity is finer than the market's lot, its step of quantities.",
        "Use a multiple of the lot in `limit`.")
    MAXIMUM_BELOW_MINIMUM = ("maximum_below_minimum", "quantity",
        "At this exchange, the maximum of one order is below the minimum.", "Choose another account.")
    LIMIT_PRICE_OFF_TICK = ("limit_price_off_tick", "limit_price",
        "The limit price is finer than the market's tick, its step of prices.",
        "Use a multiple of the tick in `limit`.")
    LIMIT_PRICE_OUTSIDE_BAND = ("limit_price_outside_band", "limit_price",
        "The limit price is outside the exchange's price band, so no order can rest there.",
        "Use the price in `limit`, or one nearer to the market.")
    LIMIT_PRICE_OUTSIDE_COLLAR = ("limit_price_outside_collar", "confirm_limit",
        "The limit price is worse than the collar, the allowed distance from the mid price.",
        "Confirm the price, or stay within the price in `limit`.")
    I_WOULD_PRICE_OUTSIDE_COLLAR = ("i_would_price_outside_collar", "confirm_i_would",
        "The I-would price is worse than the collar, the allowed distance from the mid price.",
        "Confirm the price, or stay within the price in `limit`.")
    QUANTITY_NOT_CONFIRMED = ("quantity_not_confirmed", "confirm_quantity",
        "You must type the quantity again to confirm it.", "Type the quantity in `limit`.")
    NOTIONAL_NOT_CONFIRMED = ("notional_not_confirmed", "confirm_notional",
        "You must type the gross notional of the basket again to confirm it.",
        "Type the present notional, which is in `limit`.")
    LOOKALIKE_NOT_CONFIRMED = ("lookalike_not_confirmed", "confirm_lookalike",
        "You sent an order like this one a moment ago.", "Confirm that you want a second order.")
    INSUFFICIENT_BALANCE = ("insufficient_balance", "quantity, limit_price",
        "The accounts hold too little for the order.", "Ask for less, or fund the accounts.")
    BALANCE_RESERVED = ("balance_reserved", "quantity, limit_price, or none",
        "The accounts hold enough, but other live orders reserve part of it.",
        "Ask for at most the amount in `limit`, or cancel or reduce another order.")
    INSUFFICIENT_LIQUIDITY = ("insufficient_liquidity", "quantity",
        "The books cannot fill the quantity within the limit price and the collar.",
        "Ask for at most the quantity in `limit`, or accept a partial fill.")
    LIMIT_EXCEEDED = ("limit_exceeded", "quantity, limit_price, collar_bp",
        "The order exceeds a hard limit that a supervisor set.",
        "Stay within `limit`, or ask a supervisor.")
    LIMIT_REASON_MISSING = ("limit_reason_missing", "limit_reason_…",
        "The order exceeds a soft limit, which asks you for a reason.",
        "Give a reason for this limit, or stay within `limit`.")
    APPROVAL_NEEDED = ("approval_needed", "quantity, limit_price, collar_bp",
        "Another person must approve the order, or a request for its approval already waits.",
        "Ask a supervisor, or stay within `limit`.")
    APPROVAL_CLOSED = ("approval_closed", "",
        "The request for approval was decided or withdrawn, or it has expired.", "Read the order again.")
    APPROVAL_OUTDATED = ("approval_outdated", "kinds",
        "The order now exceeds a limit that you have not seen.", "Read the request for approval again.")
    OWN_REQUEST = ("own_request", "",
        "You cannot approve your own request.", "Ask another supervisor.")
    TRADING_HALTED = ("trading_halted", "accounts, symbol, algorithm, or none",
        "A supervisor's halt covers the order.", "Wait until a supervisor lifts the halt whose id is in `limit`.")
    DISK_SPACE_LOW = ("disk_space_low", "",
        "The disk of the desk is nearly full, so no new order starts.", "Free disk space.")
    IDEMPOTENCY_KEY_REUSED = ("idempotency_key_reused", "key",
        "The idempotency key was already used for another order or basket.", "Use a new key for each order or basket.")
    PRESET_EXISTS = ("preset_exists", "name",
        "There is already a preset of this name for this algorithm and symbol.",
        "Choose another name, or replace the preset.")
    PRESET_OF_ONE_ORDER = ("preset_of_one_order", "the parameter",
        "The parameter belongs to one order, so a preset cannot keep it.", "Leave the parameter out.")

    # Times and plans
    DURATION_OR_END_REQUIRED = ("duration_or_end_required", "duration",
        "The order needs either a duration or an end, and not both.", "Send one of the two.")
    START_IN_PAST = ("start_in_past", "start_at",
        "The start of the order is in the past.", "Choose a later start, or none.")
    START_TOO_LATE = ("start_too_late", "start_at",
        "The start of the order is too far in the future.", "Choose an earlier start.")
    END_IN_PAST = ("end_in_past", "end_at",
        "The end of the order is in the past.", "Choose a later end.")
    END_TOO_EARLY = ("end_too_early", "end_at, duration",
        "The end is too early for the start, or for the present time.", "Choose an end after the time in `limit`.")
    DURATION_TOO_LONG = ("duration_too_long", "end_at, duration",
        "The order would work for too long.", "Stay within the duration in `limit`.")
    END_IS_FIXED = ("end_is_fixed", "at_end, outside_limit, mode",
        "The order has a fixed end, which does not allow this choice.",
        "Give a duration instead of an end, or resume with `catch_up`.")
    TOO_MANY_SLICES = ("too_many_slices", "slices",
        "With so many slices, each slice would be too small or too short.", "Ask for at most the number in `limit`.")
    SLICES_TOO_SHORT = ("slices_too_short", "slice_length",
        "Slices of this length would be below the exchange's minimum, or too many.",
        "Use at least the length in `limit`.")
    VISIBLE_QUANTITY_ABOVE_TOTAL = ("visible_quantity_above_total", "visible_quantity",
        "The visible quantity is above the order's quantity.", "Show at most the quantity in `limit`.")
    VISIBLE_QUANTITY_OFF_LOT = ("visible_quantity_off_lot", "visible_quantity",
        "The visible quantity is finer than the market's lot, its step of quantities.",
        "Use a multiple of the lot in `limit`.")
    VISIBLE_QUANTITY_BELOW_MINIMUM = ("visible_quantity_below_minimum", "visible_quantity",
        "A visible part of the order would be below the exchange's minimum.", "Show at least the quantity in `limit`.")
    RATES_OUT_OF_ORDER = ("rates_out_of_order", "minimum_rate, maximum_rate",
        "The participation rate is not between its minimum and its maximum.",
        "Set the minimum to at most, and the maximum to at least, the rate in `limit`.")
    VOLATILITY_UNKNOWN = ("volatility_unknown", "volatility",
        "The market has too few candles to estimate its volatility.", "Give the volatility yourself.")
    IMPACT_UNKNOWN = ("impact_unknown", "impact_bp",
        "The desk knows too little of the market's volume, spread and moves to estimate the price impact.",
        "Give the impact yourself.")

    # Running orders
    ORDER_NOT_OPEN = ("order_not_open", "status",
        "The order's status does not allow this action.", "Read the order's status.")
    TERMS_CHANGED = ("terms_changed", "terms_version",
        "Somebody changed the order's terms in the meantime.", "Read the terms again.")
    NOTHING_CHANGES = ("nothing_changes", "",
        "The amendment changes nothing.", "Change at least one value.")
    NOT_AMENDABLE = ("not_amendable", "the fixed field",
        "This field cannot change while the order runs.", "Change only the fields in `limit`.")
    QUANTITY_BELOW_EXECUTED = ("quantity_below_executed", "quantity",
        "The new quantity is below what is filled or may still be filled.",
        "Ask for at least the quantity in `limit`.")
    NOTHING_TO_SHIFT = ("nothing_to_shift", "mode",
        "The order has no schedule to shift.", "Resume with `catch_up`.")

    # Reconciliation
    CHILD_NOT_UNKNOWN = ("child_not_unknown", "child",
        "The desk already knows what happened to the child order.", "Read the child again.")
    CHILD_MAY_ARRIVE = ("child_may_arrive", "child",
        "The desk's request for the child order may still arrive at the exchange.", "Wait until the time in `limit`.")
    CHILD_IS_KNOWN = ("child_is_known", "child",
        "The exchange has shown the child order, so it cannot be absent.", "Wait for reconciliation.")
    CHILD_NEVER_SHOWN = ("child_never_shown", "child",
        "The exchange has never shown the child order, so it cannot be marked as ended.",
        "Mark the child as absent instead.")
    CHILD_MISSES_TRADES = ("child_misses_trades", "child",
        "The exchange reported more filled quantity (`limit`) than the desk has trades for (`value`).",
        "Wait for the missing trades.")

    # Halts
    HALT_SUBJECT_UNKNOWN = ("halt_subject_unknown", "subject",
        "The desk has nothing of this name to halt. A halt of the whole desk takes no name.", "Check the name.")
    HALT_UNFINISHED = ("halt_unfinished", "",
        "The halt is still pausing orders.", "Lift the halt when it has paused all of its orders.")

    # Limits
    LIMIT_SUBJECT_UNKNOWN = ("limit_subject_unknown", "subject",
        "The desk has no such account, trader or symbol.", "Check the name.")
    LIMIT_NOT_IN_FORCE = ("limit_not_in_force", "",
        "The limit was already changed or ended.", "Read the limits again.")
    LIMITS_OUT_OF_ORDER = ("limits_out_of_order", "value",
        "A soft limit must be below the limit for approval, which must be below the hard limit.",
        "Choose a value on the right side of `limit`.")

    # Alerts
    ALERT_ENDED = ("alert_ended", "",
        "The alert has ended by itself.", "Read the alert again.")
    CHANNEL_LABEL_TAKEN = ("channel_label_taken", "label",
        "A channel for alerts already has this label.", "Choose another label.")
    ALERT_KEY_MISSING = ("alert_key_missing", "",
        "No process of the desk can send alerts yet.", "Start the desk, or run `manage.py install`.")
    ADDRESS_REFUSED = ("address_refused", "url, host",
        "The desk may send nothing to this address.", "Use https, and have the operator allow the host.")

    # Accounts
    INSTALLATION_MISSING = ("installation_missing", "",
        "The database has no installation of the desk.", "Start the desk once.")
    SEALING_KEY_NOT_TRUSTED = ("sealing_key_not_trusted", "",
        "The database names a public key to which this web process may not seal secrets.",
        "Have the operator compare `TRANCHE_SEALING_KEYS` with the keyring.")
    ENVIRONMENT_MISMATCH = ("environment_mismatch", "environment",
        "The environment (paper, testnet or live) differs from the installation's.", "Use the environment in `limit`.")
    LABEL_TAKEN = ("label_taken", "label",
        "An account already has this label.", "Choose another label.")
    VENUE_FIXED = ("venue_fixed", "label, exchange, options",
        "This value of an existing account or venue cannot change.", "Use another label or venue.")
    EXCHANGE_UNSUPPORTED = ("exchange_unsupported", "exchange",
        "The desk cannot trade at this exchange.", "Choose another exchange.")
    OPTIONS_UNUSABLE = ("options_unusable", "options",
        "The desk cannot use the options of the venue.", "Correct the options as `message` says.")
    NOT_A_TRADER = ("not_a_trader", "traders",
        "The person is unknown, inactive or not a trader.", "Name active traders only.")
    SYMBOL_IN_USE = ("symbol_in_use", "symbols",
        "Live orders trade the symbol on this account.", "Wait until these orders have ended.")
    ACCOUNT_CLOSED = ("account_closed", "",
        "The account is closed.", "Open the account first.")
    KEY_NOT_USABLE = ("key_not_usable", "state",
        "The state of the exchange key does not allow this action.", "Use a key in one of the states in `limit`.")
    WORKER_RUNNING = ("worker_running", "",
        "A worker of the desk is still running.", "Stop every worker on every host.")

    # Files on the command line
    FILE_UNREADABLE = ("file_unreadable", "candles, recording",
        "The file or folder cannot be read.", "Check that it exists and is complete.")
    CANDLES_TOO_FEW = ("candles_too_few", "candles, hours",
        "The candles in the file do not cover the time that is needed.", "Use a file with more candles.")
    BOOK_CROSSED = ("book_crossed", "the venue",
        "In the book, the best bid is not below the best ask.", "Correct the book.")
    BOOK_UNSORTED = ("book_unsorted", "bids, asks",
        "The levels of the book are not sorted from best to worst.", "Sort the levels.")
    # fmt: on


#: The codes of pydantic's errors; any other is a value that cannot be read.
_OF_PYDANTIC: Mapping[str, Code] = {
    "missing": Code.VALUE_MISSING,
    "extra_forbidden": Code.FIELD_UNKNOWN,
    "enum": Code.VALUE_NOT_ALLOWED,
    "literal_error": Code.VALUE_NOT_ALLOWED,
    **dict.fromkeys(
        ("greater_than", "greater_than_equal", "less_than", "less_than_equal"), Code.VALUE_OUT_OF_RANGE
    ),
    **dict.fromkeys(
        ("string_too_long", "string_too_short", "too_long", "too_short"), Code.LENGTH_OUT_OF_RANGE
    ),
}


def pydantic_code(kind: str) -> Code:
    """Return the code for a pydantic error of the type ``kind``."""
    if kind.endswith("_type"):
        return Code.VALUE_WRONG_TYPE
    return _OF_PYDANTIC.get(kind, Code.VALUE_MALFORMED)
