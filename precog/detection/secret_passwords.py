"""Passwords: where they are assigned to a name, and where somebody tells one, in many languages.

The words alone say little: most texts that speak of passwords hold none. What stands after them decides.
"""

from __future__ import annotations

import re
from functools import cache

from .secret_detectors import LIKELY, NOTHING, POSSIBLE, WEAK, Detector, is_made_up

# "password" where it is assigned to: as a name in code, in a file of settings, as a form's label.
_ASSIGNED = (
    r"pass(?:word|wd|phrase|code)|passwort|kennwort|contrase[ñn]a|mot[ _]?de[ _]?passe|senha|wachtwoord|"
    r"has[łl]o|"
    r"l[öo]senord|passord|adgangskode|[şs]ifre|parola|пароль|密码|密碼|パスワード|비밀번호|पासवर्ड|"
    r"كلمة المرور|"
    r"m[ậa]t kh[ẩa]u|kata sandi"
)
# The value: in quotes, or up to the next character that ends one.
_VALUE = (
    r"(?:\\{0,2}\"(?P<double>[^\"\\\n]{1,200})\\{0,2}\"|\\{0,2}'(?P<single>[^'\\\n]{1,200})\\{0,2}'|"
    r"`(?P<tick>[^`\n]{1,200})`|(?P<bare>[!#-&*+\-./0-9:=?@A-Z\\^_a-z~|]{1,128}))"
)
_REFERENCE = re.compile(r"[$%@]\(?\{?[A-Za-z_]\w*|\$\{|\{|<|>|\*{2}|\.{3}|…|[xX]{4}|•|\[")
_NOTHING_SECRET = re.compile(
    r"(?i)(?:none|null|nil|undefined|true|false|yes|no|n/?a|str(?:ing)?|text|bytes|int|any|optional|required|"
    r"hidden|"
    r"redacted|masked|empty|blank|unset|missing|invalid|input|prompt|env(?:iron)?|vault|secret|type|field|"
    r"label|"
    r"self\..*|this\..*|args\..*|config\..*|settings\..*|process\.env.*|os\.environ.*|request\..*|form\..*|"
    r"user(?:name)?|sha-?\d+\w*|md5|bcrypt|argon2\w*|pbkdf2\w*|scrypt|base64|utf-?8|oauth2?(?:\.0)?|mfa|2fa|"
    r"\d+-\d+|"
    r"https?:.*|/.*|\.{1,2}/.*|[a-z_]+\.[a-z_.]+)"
)
_USUAL = re.compile(
    r"(?i)(?:(?:my|your|the|some|db|user|test|new|old|admin|root|super|strong|secure|secret)?[-_ ]?){0,2}"
    r"(?:pass(?:word|wd|phrase|w0rd)?|p[a4@][s$]{2}w(?:or|0r|o0)?r?d|pwd|secret|key|foo(?:bar)?|abc|qwerty|"
    r"admin|root|test|"
    r"change[-_]?(?:me|it|this)|example|letmein|welcome|1234(?:5(?:6(?:7(?:8(?:90?)?)?)?)?)?|0{4,}|1{4,})"
    r"(?:here)?[!@#]?\d{0,4}[!.]?"
)
_SENTENCE = re.compile(r"[^\W\d_]+(?:[ '’-]+[^\W\d_]+)*[.!?:…]*")
_SYMBOL = re.compile(r"[!#$%&*+=@^~?|]")
_MIXED = re.compile(r"[a-z][A-Z]|[A-Z].*[A-Z].*[a-z]")


def strength(value: str) -> float:
    """How much the value alone looks like a password, as nothing, a word, or a mixture of characters."""
    if not 4 <= len(value) <= 128 or _REFERENCE.search(value) or _NOTHING_SECRET.fullmatch(value):
        return NOTHING
    if len(set(value)) < 3 and len(value) > 4:
        return NOTHING
    if _USUAL.fullmatch(value) or is_made_up(value + "-ab12"[: 5 * (len(value) < 6)]):
        return WEAK
    letters, digits = any(map(str.isalpha, value)), any(map(str.isdigit, value))
    if (letters and digits) or _SYMBOL.search(value[1:-1]) or _MIXED.search(value):
        return LIKELY if len(value) >= 6 else POSSIBLE
    return POSSIBLE if digits else NOTHING


def _quoted(match: re.Match[str]) -> str:
    return match["double"] or match["single"] or match["tick"]


def _judge_assignment(match: re.Match[str]) -> float:
    bare = match["bare"]
    value = _quoted(match) if bare is None else bare.rstrip(".,;:?")
    if bare is not None and (match["after"] or bare.endswith(":")):
        return NOTHING  # What is called, indexed or reached into is code that fetches the password.
    if value.isalpha() or _SENTENCE.fullmatch(value):
        return _judge_letters(value, quoted=bare is None)
    return NOTHING if value.count(" ") > 3 else strength(value)


def _judge_letters(value: str, *, quoted: bool) -> float:
    """What has neither digit nor sign is a name in code, a label, a message; or a password that is a word."""
    if " " in value or len(value) < 5 or _NOTHING_SECRET.fullmatch(value):
        return NOTHING
    if not quoted:
        return WEAK if _MIXED.search(value) else NOTHING
    return WEAK if _USUAL.fullmatch(value) else 0.4


# Disclosures: whose password it is, what it is for, and the words between it and its value, by language.
_MINE = (
    r"\b(?:my|our|his|her|their|meine?|unser|mon|ma|notre|mi|mis|nuestra|minha|meu|nossa|mia|mio|nostra|mijn|"
    r"onze|moje|"
    r"nasze|min|mitt|v[åa]rt|мой|моё|мое|наш|мій|benim)\s(?:[\w\-]{1,16}\s){0,2}|(?:我的?|我們的|我们的|私の|"
    r"僕の|내|제|मेरा|हमारा)\s?"
)
_MINE_WITHIN = re.compile(r"الخاصة بي|saya|của tôi")
_ELSEWHERE = re.compile(r"[\n.,;?!@/=<>{}()\[\]]|.{60}")
_ASSIGNS = re.compile(r"[\"']?\s{0,3}[:：]")  # "password: x" assigns, "the password of y: x" tells
_NAMED = (
    r"\b(?:password|passcode|passphrase|pass phrase|passwd|pwd|pin(?:[ -]?code)?|passwort|kennwort|"
    r"mot de passe|mdp|"
    r"code secret|contrase[ñn]a|clave|senha|palavra-passe|wachtwoord|l[öo]senord(?:et)?|passord(?:et)?|"
    r"adgangskoden?|parolam?|kata sandi)|has[łl]o|[şs]ifrem?|пароль|密码|密碼|口令|パスワード|暗証番号|"
    r"비밀번호|पासवर्ड|"
    r"كلمة (?:المرور|السر)|m[ậa]t kh[ẩa]u"
)
_IS = (
    r"(?:\s{0,2}[:：—]|\s?(?:は|是|为|為|는|은|이)|'s\s|\s(?:is|was|will be|has been|ist|lautet|war|est|"
    r"c'est|es|era|é|"
    r"foi|è|to|jest|brzmi|är|er|это|был|є|है|هي|هو|là|adalah)\s)"
)


@cache
def _word() -> re.Pattern[str]:
    """A word for a password, in small letters."""
    # No boundary before it: the search is fast only where its first letters are known.
    return re.compile(_NAMED.replace(r"\b", ""))


@cache
def _mine() -> re.Pattern[str]:
    return re.compile(rf"(?:{_MINE})\Z")


_TRIVIAL = frozenset(
    "wrong incorrect correct expired weak strong simple complex secure safe invalid valid lost gone "
    "compromised stolen "
    "leaked saved stored same different empty blank unknown secret private confidential the this that what "
    "very really "
    "being also just still never always only about because when where which your mine ours theirs personal "
    "sensitive "
    "important public case short long enough good nothing something anything everything here there below "
    "above "
    "falsch richtig sicher nicht abgelaufen vergessen gesperrt korrekt ungültig stark schwach leer meine "
    "deine bitte "
    "incorrect incorrecte faux expiré oublié trop invalide obligatoire perdu vide dans pour "
    "incorrecta correcta débil fuerte segura inválida muito muy demasiado obligatoria fácil para como errata "
    "sbagliata scaduta corretta debole sicura niet juist verkeerd verlopen veilig".split()
)
_ENDS_A_CLAUSE = re.compile(r"[.!?,;)\"']|\s*$|\s*\n|\s+(?:and|und|et|y|e|i|en|och|so|but|please|can|for)\b")
# Words drawn by dice; not what is said of a password, such as "known-only-to-me".
_PASSPHRASE = re.compile(
    r"(?!.*(?:^|-)(?:the|to|and|or|of|in|on|by|for|not|case|based|only|well|too|non|sensitive|protected)(?:-|$))"
    r"[a-z]{3,12}(?:-[a-z]{3,12}){2,7}"
)
_COUNTED = re.compile(
    r"\s*-?(?:characters?|chars?|digits?|letters?|words?|bits?|times|days?|weeks?|months?|years?|zeichen|"
    r"caract[eè]res|caracteres|%|minutes?|hours?|attempts?|tries|or more|or less)\b",
    re.IGNORECASE,
)


def _judge_disclosure(match: re.Match[str]) -> float:
    bare = match["bare"]
    value = _quoted(match) if bare is None else bare.rstrip(".,;:?")
    rest = match.string[match.end("secret") : match.end("secret") + 24]
    if (bare is not None and match["after"]) or _COUNTED.match(rest):
        return NOTHING
    score = NOTHING if value.isalpha() else strength(value)
    if score == NOTHING and _PASSPHRASE.fullmatch(value) and _ENDS_A_CLAUSE.match(rest):
        score = LIKELY
    if not (score or (value.isalpha() and _may_be_told(value))):
        return NOTHING
    mine = _whose(match.string[max(0, match.start() - 110) : match.start()].lower())
    if mine is None:
        return NOTHING
    if value.isalpha():
        return _judge_word(value, rest if bare == value else ".", mine=mine)
    if mine and value.isdigit():
        return max(score, 0.8)
    # Told in a sentence, even a usual password is one.
    return POSSIBLE if score == WEAK and mine and not is_made_up(value + "-ab12") else score


def _judge_told(match: re.Match[str]) -> float:
    return 0.75 if not match["after"] and strength(match["secret"].rstrip(".,;:?")) == LIKELY else NOTHING


def _whose(before: str) -> bool | None:
    """Whether the password last named is somebody's own; None where none is named in this clause."""
    words = list(_word().finditer(before))
    word = words[-1] if words else None
    if word is None or _ELSEWHERE.search(before, word.end()) or _ASSIGNS.match(before, word.end()):
        return None
    if word[0].isascii() and before[: word.start()][-1:].isalpha():
        return None
    own = _MINE_WITHIN.search(before, word.end()) or _mine().search(
        before, max(0, word.start() - 40), word.start()
    )
    return own is not None or word[0].endswith("m")


def _may_be_told(word: str) -> bool:
    small = word.lower()
    return (
        len(word) >= 4
        and small not in _TRIVIAL
        and not small.endswith(("ed", "ing"))
        and not _NOTHING_SECRET.fullmatch(word)
    )


def _judge_word(value: str, rest: str, *, mine: bool) -> float:
    """A password that is a word is told from a remark about one by its place at the end of a clause."""
    if mine and _ENDS_A_CLAUSE.match(rest):
        return WEAK if _USUAL.fullmatch(value) else POSSIBLE
    return 0.5 if _MIXED.search(value) and len(value) >= 6 else NOTHING


def passwords() -> tuple[Detector, ...]:
    """A detector for each way of giving a password away."""
    return (
        Detector(
            "password_assignment",
            "PASSWORD",
            anchor=rf"(?:{_ASSIGNED}|p(?:wd|ass|w))[\"'`\\\])]{{0,4}}[ \t]{{0,3}}(?:=|:|：)[^\n]",
            pattern=rf"(?i:{_ASSIGNED}|(?<![a-z])p(?:wd|ass|w))[\"'`\\\])]{{0,4}}[ \t]{{0,3}}(?:=>|:=|"
            rf"={{1,3}}|:|：)[ \t]{{0,3}}"
            rf"(?P<secret>{_VALUE})(?P<after>[(\[{{<]?)",
            judge=_judge_assignment,
            hits=(
                "password=hunter2",
                "DB_PASSWORD: Tr0ub4dor&3",
                '"pwd": "kX9-vv21"',
                "const dbPassword = 'Xk29vLq!';",
                '{\\"password\\": \\"Xk29vLq7\\"}',
                "Server=db;Uid=app;Pwd=Zt81kkQ2;",
                "пароль: Zima2041",
                "contraseña = 'Sol3dad77'",
                "mysql --password=Zt81kkQ2 orders",
            ),
            misses=(
                "password=${DB_PASSWORD}",
                "password: ****",
                "password=<password>",
                "Enter your password:",
                "password = getpass.getpass('Password: ')",
                'password = os.environ["DB_PASSWORD"]',
                "password: string;",
                "login(user=user, password=password)",
                '"password": "Your password must have 8 characters"',
                "Password: required, 8-64 characters",
                "PWD=/home/app",
                "password: process.env.DB_PASSWORD_2",
            ),
            caseless=True,
        ),
        Detector(
            "password_disclosure",
            "PASSWORD",
            anchor=rf"(?:{_NAMED})[^\n.,;?!=:]*{_IS}".replace(r"\b", ""),
            pattern=r"(?:(?:now|still|currently|jetzt|ahora|maintenant)\b)?[ :]{0,2}[“„「『‘]?"
            rf"(?P<secret>{_VALUE})(?P<after>[(\[{{<]?)",
            after=True,
            judge=_judge_disclosure,
            hits=(
                "my password is Hunter2x!",
                "My wifi password is swordfish.",
                "the admin password is Tr0ub4dor",
                "the passcode for the alarm is 483920",
                "my PIN is 4821",
                "the wifi passphrase is correct-horse-battery",
                "mein Passwort ist Sommer2041",
                "Das Kennwort lautet Kx99-Lm21",
                "mon mot de passe est Soleil77!",
                "mi contraseña es Gato2041",
                "minha senha é Praia99x",
                "la mia password è Luna2041",
                "mijn wachtwoord is Fiets2041",
                "moje hasło to Zima2041x",
                "mitt lösenord är Vinter2041",
                "мой пароль это Zima2041",
                "我的密码是Kx99Lm21",
                "パスワードはKx99Lm21です",
                "비밀번호는 Kx99Lm21 입니다",
                "كلمة المرور هي Kx99Lm21",
                "mật khẩu của tôi là Kx99Lm21",
            ),
            misses=(
                "my password is incorrect",
                "My password is not working, please help",
                "the password is case-sensitive",
                "the password is known-only-to-me.",
                "the password is 8 characters long",
                "mein Passwort ist falsch",
                "mi contraseña es incorrecta.",
                "What password is used here?",
                "la clave es entender el problema",
                "Your password is expired.",
                "the password is stored with SHA256",
                "密码是什么",
                "A good password is long",
            ),
            caseless=True,
        ),
        Detector(
            "password_told",
            "PASSWORD",
            anchor=r"(?:пароль|[şs]ifrem|parolam|पासवर्ड|비밀번호|كلمة المرور)[ \"'«]{1,3}[!-~]{4}",
            pattern=rf"(?i:пароль|[şs]ifrem|parolam|पासवर्ड|비밀번호|"
            rf"كلمة المرور)[ «]{{1,3}}(?P<secret>{_VALUE})(?P<after>[(\[{{<]?)",
            judge=_judge_told,
            hits=("мой пароль Zima2041", "şifrem Deniz2041", "मेरा पासवर्ड Kx99Lm21 है"),
            misses=("пароль SHA256", "şifrem calismiyor", "пароль ${PASSWORD}"),
            caseless=True,
        ),
    )
