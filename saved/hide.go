package saved

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// mark begins what stands for a secret in the file; a hash follows.
const mark = "hidden-"

var marked = regexp.MustCompile(`\b` + mark + `[0-9a-f]{16}\b`)

// Hides says whether something that was hidden in a look stands in a text: then it is not what the host has.
func Hides(text string) bool { return marked.MatchString(text) }

// hider puts hashes in the place of what looks like a secret, and counts them.
type hider struct {
	key []byte
	n   int
}

// stand is what stands for a secret: the same for the same one.
func (h *hider) stand(secret string) string {
	sum := hmac.New(sha256.New, h.key)
	sum.Write([]byte(secret))
	return mark + hex.EncodeToString(sum.Sum(nil)[:8])
}

// text is a text without its secrets. It keeps its lines, but for those within a key.
func (h *hider) text(text string) string {
	text = h.replace(pem, text)
	var b strings.Builder
	for line := range strings.Lines(text) {
		body := strings.TrimRight(line, "\r\n")
		end := line[len(body):]
		for _, secret := range secrets {
			body = h.replace(secret, body)
		}
		if !wireguard.MatchString(body) {
			body = h.replace(redacted, body)
		}
		b.WriteString(body + end)
		h.n += len(marked.FindAllString(body, -1))
	}
	return b.String()
}

// replace hides the first group of each match that holds a secret.
func (h *hider) replace(pattern *regexp.Regexp, text string) string {
	var b strings.Builder
	at := 0
	for _, m := range pattern.FindAllStringSubmatchIndex(text, -1) {
		from, to := m[2], m[3]
		if value := text[from:to]; harmless.MatchString(value) || strings.HasPrefix(value, mark) {
			continue
		}
		b.WriteString(text[at:from] + h.stand(text[from:to]))
		at = to
	}
	return b.String() + text[at:]
}

// What a host has redacted already: of WireGuard's keys nobody guesses one by its hash, but of a password that a person chose.
var (
	wireguard = regexp.MustCompile(`(?i)(privatekey|presharedkey)[ \t]*=`)
	redacted  = regexp.MustCompile(`\bredacted:([0-9a-f]{16})\b`)
)

// pem is a private key as OpenSSL, SSH and PGP write it; the rest of the text where its end is missing.
var pem = regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----\s*(.+?)(?:\s*-----END [A-Z0-9 ]*PRIVATE KEY|\s*\z)`)

// directive is how settings are called that hold a secret. With = or : behind it one that ends in "pass" is one as well; else that is a rule
// of pf, as "Pass:" is a counter of it.
const (
	directive = `(?:[\w.-]*(?:passw(?:or)?d|passphrase|passwort|secret|token|credentials?|webhook|[_-]pass|[_-]key|api_?key|authkey|dnpass|requirepass)(?:[_-]?(?:hash|value|string|text|url|raw|data|[0-9]+))?)`
	named     = `(?:` + directive + `|(?-i:[A-Z0-9_]*PASS|(?:db|ldap|bind|auth|user|root|admin|smtp|redis|mysql|pg)?_?pass))`
)

// secrets are what secrets look like in a line, in the words of programs that stand on such hosts; the first group is the secret itself.
// What is about one program comes before what holds for every setting.
var secrets = compiled(
	`(\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|sha1|md5|scrypt|bcrypt[\w-]*|pbkdf2[\w-]*|argon2\w*)\$[\w./$=,+-]{20,})`, // hashes of passwords
	`\b(JDJ[hi45]J[\w+/=]{40,})`, // and in base64
	`\{[A-Z0-9.-]*(?:CRYPT|SHA|MD5|PLAIN|CLEAR|PBKDF2|ARGON2|CRAM|SCRAM)[A-Z0-9.-]*\}([^\s"':,;]+)`,
	`\b((?:gh[opsur]_|github_pat_|glpat-|xox[abeprs]-|AKIA|ASIA|sk-|npm_|hvs\.|dop_v1_|AIza|SG\.)[\w.-]{16,})`, // tokens that say what they are
	`\b(eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)`,
	`\b(AGE-SECRET-KEY-1[A-Z0-9]+)`,
	`(?i)\b[a-z][a-z0-9+.-]*://[^\s/@:"']*:([^\s/@"']+)@`, // in an address, behind it, within it
	`(?i)[?&][\w-]*(?:token|key|secret|sig|signature|password|passwd|pass|auth|code)=([^\s&"'#]+)`,
	`(?i)(?:hooks\.slack\.com/services/|/webhooks?/|/hooks?/|api\.telegram\.org/bot)([^\s"'?]+)`,
	`(?i)(?:^|\s)--?(?:[\w-]*(?:password|passwd|pass|token|secret|api-?key))(?:[ \t]+|=)["']?([^\s"']+)`,
	`(?:^|\s)(?:-u|--user|--proxy-user)(?:[ \t]*|=)["']?[^\s:"'=]+:([^\s"']*[^\s"'0-9][^\s"']*)`, // curl
	`(?i)\bauthorization["']?[ \t]*[:=]?[ \t]*["']?(?:basic|bearer|token|digest)[ \t]+["']?([^\s"']+)`,
	`(?i)\bauthorization["']?[ \t]*[:=][ \t]*["']?([^\s"']{12,})`,
	`(?i)\bbearer[ \t]+["']?([\w.~+/=-]{8,})`,
	`(?i)\blogin[ \t]+\S+[ \t]+password[ \t]+(\S+)`, // netrc
	`\bstatic:[^\s:]+:(\S+)`, // tables of Postfix
	`\binline:\{(.+)`,
	`(?i)^[ \t#]*(?:acme_)?dns[ \t]+[a-z]\w*[ \t]+([^\s{].*)`,   // a provider of the DNS, in a Caddyfile
	`(?i)(?:^|[^\w.-])`+named+`"?'?[ \t]*[:=]=?[ \t]*"([^"]+)"`, // a setting in quotes, such as in JSON
	`(?i)(?:^|[^\w.-])`+named+`"?'?[ \t]*[:=]=?[ \t]*'([^']+)'`,
	`(?i)(?:^|[^\w.-])`+named+`[ \t]*[:=]=?[ \t]*([^"'\s].*)`,            // and without, to the end of the line
	`(?i)^[ \t#;/-]*`+directive+`[ \t]+["']?([^\s"']+)["']?[ \t]*[;{]?$`, // name value, as in Caddyfile, nginx and Redis
)

func compiled(patterns ...string) (list []*regexp.Regexp) {
	for _, p := range patterns {
		list = append(list, regexp.MustCompile(p))
	}
	return list
}

// harmless is what stands in the place of a secret and is none: a path or a table, a name that stands for it, code, a word for yes or no,
// and what the host redacted already.
var harmless = regexp.MustCompile(`(?i)^["']?(?:[<]?[ ]?~?\.?/[\w.-]+/.*|(?:[a-z_-]+:)+/[\w.-]+/?[\w./-]*|\$(?-i:[A-Z_][A-Z0-9_]*|[a-z_]+)["';,)\]]*|\$[{(].*|\{[\w$.]+\}.*|[a-z_][\w.]*\(.*|[a-z_]+, .*=> \w+ \}\)|` +
	`yes|no|true|false|on|off|none|null|nil|undefined|prohibit-password|without-password|redacted:(?:hidden-)?[0-9a-f]{16}|\*+|\s*)["';,]*$`)
