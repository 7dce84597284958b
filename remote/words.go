package remote

import (
	"regexp"
)

// inWords turns what Go's own packages say into what a person can act on, one after the other.
var inWords = []struct {
	says  *regexp.Regexp
	words string
}{
	{regexp.MustCompile(`\b(?:dial|read|write|accept) (?:tcp|udp|ip|unix)[46]? (?:\S+->)?(\S+): (?:(?:connect|read|write|bind|socket|sendto|connectex|wsarecv): )?`), "$1: "},
	{regexp.MustCompile(`\b(?:dial|read|write|accept|close) (?:tcp|udp|ip|unix)[46]?: (?:(?:connect|read|write|bind|socket|sendto): )?`), ""},
	{regexp.MustCompile(`\blookup (\S+?)(?: on \S+)?: no such host`), "there is no host named $1"},
	{regexp.MustCompile(`\blookup (\S+?)(?: on \S+)?: `), "the name $1 could not be looked up: "},
	{regexp.MustCompile(`\bserver misbehaving`), "the DNS server gave no answer of use"},
	{regexp.MustCompile(`(^|\s)ssh: handshake failed: `), "${1}the SSH handshake did not work: "},
	{regexp.MustCompile(`(^|\s)ssh: unable to authenticate, attempted methods \[(?:none ?)?([^\]]*)\], no supported methods remain`), "${1}no login was accepted (tried: $2)"},
	{regexp.MustCompile(`(^|\s)ssh: disconnect, reason \d+: `), "${1}the host hung up: "},
	{regexp.MustCompile(`(^|\s)ssh: rejected: administratively prohibited \((.*?)\)`), "${1}its sshd does not allow it: $2"},
	{regexp.MustCompile(`(^|\s)ssh: (?:rejected: )?`), "$1"},
	{regexp.MustCompile(`\bcontext deadline exceeded\b|\bi/o timeout\b`), "no answer in time"},
	{regexp.MustCompile(`\bcontext canceled\b|\boperation was canceled\b`), "you stopped it"},
	{regexp.MustCompile(`\buse of closed (?:network connection|file)\b|\bio: read/write on closed pipe\b|\bfile already closed\b`), "the connection was closed"},
	{regexp.MustCompile(`\b(?:unexpected )?EOF\b`), "the other side ended the connection"},
	{regexp.MustCompile(`\bconnection reset by peer\b|\bbroken pipe\b`), "the other side broke off the connection"},
	{regexp.MustCompile(`\bsignal: (\w+)`), "it was ended ($1)"},
	{regexp.MustCompile(`\b(?:strconv|netip)\.\w+(?:\("[^"]*"\))?: (?:parsing )?`), ""},
	{regexp.MustCompile(`(no answer (?:within \S+|in time)): no answer in time`), "$1"},
}

// Words is an error as people are told it: what Go's packages say of connections, names and time, in words. Whatever shows an
// error asks it.
func Words(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	for _, one := range inWords {
		text = one.says.ReplaceAllString(text, one.words)
	}
	return text
}

// worded is an error that says its words, and is still what it was.
func worded(err error) error { return &dialError{Words(err), err} }
