"""Tokens that issuers made recognisable: a prefix, then so many characters of an alphabet."""

from __future__ import annotations

import re
import zlib

from .secret_detectors import NOTHING, SURE, WEAK, Detector, is_made_up

_ALNUM, _WORD, _HEX, _HEX_ANY = "[A-Za-z0-9]", r"[A-Za-z0-9_\-]", "[0-9a-f]", "[0-9a-fA-F]"
_UPPER, _BASE32 = "[A-Z0-9]", "[A-Z2-7]"
_LONGEST = 1024

# What samples are filled with. They are put together when they are asked for, so that no text of this
# repository is a token that a host's own scanner would take for a real one.
_FILL = {
    _ALNUM: "a1B2c3D4e5F6g7",
    _WORD: "a1B2c3D4e5F6g7",
    _HEX: "0a1b2c3d4e5f",
    _HEX_ANY: "0a1b2c3d4e5f",
    _UPPER: "A1B2C3D4E5",
    "[A-Z0-9.]": "A1B2C3D4E5",
    _BASE32: "A2B3C4D5E6",
}
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _judge(match: re.Match[str]) -> float:
    value = match["value"]
    if len(value) > _LONGEST or len(set(value)) < 5:
        return NOTHING
    return WEAK if is_made_up(value) else SURE


def fill(alphabet: str, length: int) -> str:
    """A made-up value of an alphabet."""
    pattern = _FILL.get(alphabet, "0a1b2c3d4e5f")
    return (pattern * (length // len(pattern) + 1))[:length]


def _token(
    name: str,
    prefix: str,
    alphabet: str,
    length: int,
    *,
    sample: str = "",
    exact: bool = False,
    label: str = "API_KEY",
) -> Detector:
    """A detector of `prefix` and at least (or exactly) `length` of `alphabet`; `sample` spells it out."""
    begin = sample or prefix.replace("\\", "")
    token = begin + fill(alphabet, length)
    return Detector(
        name=name,
        label=label,
        anchor=rf"\b(?:{prefix}){alphabet}{{{length}}}" + ("(?:$|[^A-Za-z0-9_])" if exact else ""),
        pattern=rf"(?:{prefix})(?P<value>{alphabet}{{{length}{'' if exact else ','}}})",
        judge=_judge,
        hits=(token, f"the key is {token}, use it", f'KEY="{token}"'),
        misses=(
            begin,
            f"{begin}{fill(alphabet, length // 3)} is too short",
            begin + "x" * length,
            f"z9{token}" if begin[0].isalnum() else begin,
        ),
    )


def _shape(name: str, anchor: str, pattern: str, *samples: str, label: str = "API_KEY") -> Detector:
    """A detector of a token that is more than a prefix and an alphabet."""
    return Detector(
        name=name,
        label=label,
        anchor=anchor,
        pattern=pattern,
        judge=lambda match: WEAK if is_made_up(match[0]) else SURE,
        hits=(*samples, *(f"here: {sample}." for sample in samples)),
        misses=(*(sample[:-9] for sample in samples), *(f"z{sample[1:9]}" for sample in samples)),
    )


def _checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits


def _judge_own(match: re.Match[str]) -> float:
    return SURE if _checksum(match["body"]) == match["check"] else NOTHING


def own_key(prefix: str) -> str:
    """A made-up key of our own, with the checksum that real ones have."""
    body = prefix + fill(_ALNUM, 30)
    return body + _checksum(body)


_OWN_KEY = Detector(
    name="own_api_key",
    label="API_KEY",
    anchor=rf"\b(?:px_live_|sk_live_|aa_){_ALNUM}{{36}}",
    pattern=rf"(?P<body>(?:px_live_|sk_live_|aa_){_ALNUM}{{30}})(?P<check>{_ALNUM}{{6}})(?!{_ALNUM})",
    judge=_judge_own,
    hits=tuple(own_key(prefix) for prefix in ("px_live_", "sk_live_", "aa_")),
    misses=(own_key("px_live_")[:-1] + "_", own_key("aa_")[:-1], "aa_" + "b" * 36, "px_live_...", "aa_bb_cc"),
)


def issued() -> tuple[Detector, ...]:
    """A detector for each kind of token."""
    a, w, h = _ALNUM, _WORD, _HEX
    t = _token
    return (
        _OWN_KEY,
        t("own_caller_key", "caller_", h, 32, exact=False),
        # clouds
        t(
            "aws_access_key_id",
            "AKIA|ASIA|ABIA|ACCA",
            _UPPER,
            16,
            sample="AK" + "IA",
            exact=True,
            label="ACCESS_KEY",
        ),
        t("gcp_api_key", "AIza", w, 35),
        t("google_oauth_token", r"ya29\.", w, 40, label="TOKEN"),
        t("google_client_secret", "GOCSPX-", w, 28),
        t("google_refresh_token", "1//0", w, 40, label="TOKEN"),
        _shape(
            "azure_client_secret",
            r"\b[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31}",
            r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34}",
            "aB38Q~" + fill(a, 34),
        ),
        _shape(
            "azure_storage_key",
            r"AccountKey=[A-Za-z0-9+/]{86}==",
            r"AccountKey=(?P<secret>[A-Za-z0-9+/]{86}==)",
            "AccountKey=" + fill(a, 86) + "==",
            label="ACCESS_KEY",
        ),
        _shape(
            "azure_shared_access_signature",
            r"[?&;]sig=[A-Za-z0-9%+/\-_]{40}",
            r"[?&;]sig=(?P<secret>[A-Za-z0-9%+/=\-_]{40,128})",
            "?sv=2024-01-01&sig=" + fill(a, 48),
            label="TOKEN",
        ),
        t("digitalocean", "do[opr]_v1_", h, 64, sample="do" + "p_v1_"),
        t("heroku", "HRKU-", w, 36),
        t("fly", "FlyV1 fm2_", "[A-Za-z0-9+/=_,]", 40, label="TOKEN"),
        t("netlify", "nfp_", a, 36, label="TOKEN"),
        t("supabase", "sbp_", h, 40, label="TOKEN"),
        t("supabase_secret_key", "sb_secret_", w, 22),
        t(
            "planetscale",
            "pscale_(?:tkn|pw|oauth|app_secret)_",
            w,
            32,
            sample="pscale_" + "tkn_",
            label="TOKEN",
        ),
        t("databricks", "dapi", h, 32, label="TOKEN"),
        t("hashicorp_vault", r"hv[sbr]\.", w, 24, sample="hv" + "s.", label="TOKEN"),
        _shape(
            "hashicorp_terraform",
            rf"\b{a}{{14}}\.atlasv1\.{w}{{60}}",
            rf"{a}{{14}}\.atlasv1\.{w}{{60,80}}",
            f"{fill(a, 14)}.atlasv1.{fill(a, 67)}",
            label="TOKEN",
        ),
        t("doppler", r"dp\.(?:pt|st|ct|sa|scim|audit)\.", w, 40, sample="dp" + ".pt.", label="TOKEN"),
        t("pulumi", "pul-", h, 40, label="TOKEN"),
        t("tailscale", "tskey-(?:auth|api|client)-", w, 20, sample="tskey-" + "auth-"),
        _shape(
            "cloudflare_origin_ca_key",
            r"\bv1\.0-[0-9a-f]{24}-[0-9a-f]{80}",
            r"v1\.0-[0-9a-f]{24}-[0-9a-f]{80,160}",
            f"v1.0-{fill(h, 24)}-{fill(h, 80)}",
        ),
        # code hosts and registries
        t("github", "gh[pousr]_", a, 36, sample="gh" + "p_", label="TOKEN"),
        t("github_fine_grained", "github_pat_", "[A-Za-z0-9_]", 60, label="TOKEN"),
        t(
            "gitlab",
            "gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-",
            w,
            20,
            sample="gl" + "pat-",
            label="TOKEN",
        ),
        t("bitbucket", "ATBB", a, 32, label="TOKEN"),
        t("atlassian", "ATATT3", r"[A-Za-z0-9_\-=]", 60, label="TOKEN"),
        t("npm", "npm_", a, 36, label="TOKEN"),
        t("pypi", "pypi-", w, 60, label="TOKEN"),
        t("rubygems", "rubygems_", h, 48),
        t("nuget", "oy2", "[a-z0-9]", 43, exact=True),
        t("docker", "dckr_(?:pat|oat)_", w, 27, sample="dckr_" + "pat_", label="TOKEN"),
        t("circleci", "CCIPAT_", "[A-Za-z0-9_]", 40, label="TOKEN"),
        t("sourcegraph", "sgp_", "[A-Za-z0-9_]", 40, label="TOKEN"),
        # chat and mail
        t("slack", "xox[abeoprs]-", w, 24, sample="xo" + "xb-", label="TOKEN"),
        t("slack_app", "xapp-", w, 32, label="TOKEN"),
        t("slack_webhook", r"hooks\.slack\.com/services/", "[A-Za-z0-9/]", 40, label="WEBHOOK_URL"),
        t(
            "discord_webhook",
            r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/",
            w,
            60,
            sample="discord.com/api/webhooks/" + "123456789012345678/",
            label="WEBHOOK_URL",
        ),
        _shape(
            "discord_bot_token",
            r"\b[MNO][A-Za-z0-9_\-]{23,25}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27}",
            r"[MNO][A-Za-z0-9_\-]{23,25}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,40}",
            f"M{fill(a, 23)}.{fill(a, 6)}.{fill(a, 32)}",
            label="TOKEN",
        ),
        _shape(
            "telegram_bot_token",
            rf"\b[0-9]{{8,10}}:AA{w}{{33}}",
            rf"[0-9]{{8,10}}:AA{w}{{33}}(?!{w})",
            f"123456789:AA{fill(a, 33)}",
            label="TOKEN",
        ),
        _shape(
            "sendgrid",
            rf"\bSG\.{w}{{22}}\.{w}{{43}}",
            rf"SG\.{w}{{22}}\.{w}{{43}}",
            f"SG.{fill(a, 22)}.{fill(a, 43)}",
        ),
        t("mailgun", "key-", h, 32, exact=True),
        t("brevo", "xkeysib-", r"[a-zA-Z0-9\-]", 64),
        _shape(
            "mailchimp",
            r"\b[0-9a-f]{32}-us[0-9]",
            r"[0-9a-f]{32}-us[0-9]{1,2}\b",
            f"{fill(h, 32)}-us12",
        ),
        _shape(
            "resend",
            rf"\bre_{a}{{8}}_{a}{{20}}",
            rf"re_{a}{{8}}_{a}{{20,30}}",
            f"re_{fill(a, 8)}_{fill(a, 24)}",
        ),
        t("twilio", "SK", h, 32, exact=True),
        # payment and shops
        t("stripe", "(?:sk|rk)_(?:live|test)_", a, 24, sample="sk" + "_live_"),
        t("stripe_webhook", "whsec_", "[A-Za-z0-9+/=]", 32),
        t("square", "EAAA", w, 56, label="TOKEN"),
        t("square_oauth", "sq0(?:atp|csp)-", w, 22, sample="sq0" + "csp-"),
        t(
            "paypal_braintree",
            r"access_token\$(?:production|sandbox)\$",
            r"[a-z0-9$]",
            40,
            sample="access_token$" + "production$",
            label="TOKEN",
        ),
        t("shopify", "shp(?:at|ca|pa|ss)_", _HEX_ANY, 32, sample="shp" + "at_", label="TOKEN"),
        t("razorpay", "rzp_live_", a, 14),
        t("flutterwave", "FLWSECK-", a, 30),
        # models
        t("anthropic", "sk-ant-", w, 60),
        t("openai_project", "sk-(?:proj|svcacct|admin|None)-", w, 40, sample="sk" + "-proj-"),
        t("openrouter", "sk-or-v1-", h, 64),
        t("openai", "sk-", a, 32),
        t("langfuse", "sk-lf-", r"[0-9a-f\-]", 36),
        t("huggingface", "hf_", a, 34, label="TOKEN"),
        t("groq", "gsk_", a, 48),
        t("replicate", "r8_", a, 37, label="TOKEN"),
        t("perplexity", "pplx-", a, 40),
        t("xai", "xai-", a, 60),
        t("nvidia", "nvapi-", w, 60),
        t("langsmith", "lsv2_(?:pt|sk)_", "[0-9a-f_]", 40, sample="lsv2_" + "pt_"),
        t("pinecone", "pcsk_", "[A-Za-z0-9_]", 50),
        t("elevenlabs", "sk_", h, 48),
        t("together", "tgp_v1_", w, 40),
        t("tavily", "tvly-(?:dev-|prod-)?", a, 30, sample="tvly-"),
        # operation
        t("newrelic", "NRAK-", _UPPER, 27),
        t("sentry", "sntry[su]_", r"[A-Za-z0-9_=+/\-]", 60, sample="sntry" + "s_", label="TOKEN"),
        t("grafana", "gl(?:sa|c)_", r"[A-Za-z0-9_+/=]", 40, sample="gl" + "sa_", label="TOKEN"),
        t("dynatrace", r"dt0[a-z][0-9]{2}\.", "[A-Z0-9.]", 80, sample="dt0" + "c01.", label="TOKEN"),
        t("age_secret_key", "AGE-SECRET-KEY-1", _UPPER, 58, label="PRIVATE_KEY"),
        # offices
        t("notion", "ntn_", a, 43, label="TOKEN"),
        t("linear", "lin_(?:api|oauth)_", a, 32, sample="lin_" + "api_"),
        t("figma", "fig(?:d|u|o)_", w, 40, sample="fig" + "d_", label="TOKEN"),
        t("airtable", rf"pat{a}{{14}}\.", h, 64, sample="pat" + fill(a, 14) + ".", label="TOKEN"),
        t("postman", "PMAK-", r"[0-9a-f\-]", 59),
        t("hubspot", "pat-(?:na|eu)[0-9]-", r"[0-9a-f\-]", 36, sample="pat-" + "na1-", label="TOKEN"),
        t("dropbox", r"sl\.u?", w, 130, sample="sl" + ".", label="TOKEN"),
    )
