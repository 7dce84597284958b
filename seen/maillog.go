package seen

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"postern/remote"
	"postern/site"
)

// publishes is sh that names the containers which publish the port of mail.
const publishes = `publishes() { if command -v docker >/dev/null; then timeout 5 docker container ls --filter publish=@PORT@ --format '{{.Names}}' 2>/dev/null; fi; }
`

// mailBox sets $box to the container that is the host's mail server, by who publishes the port; "" where none does.
const mailBox = `box=$(publishes) || { echo 'docker gave no answer'; return 3; }
box=$(printf '%s' "$box" | head -n 1)
`

// ofMail puts the port of mail, and who publishes it, into a script.
func ofMail(script string) func(*site.Site, *site.Host) string {
	return func(s *site.Site, _ *site.Host) string {
		return strings.ReplaceAll(publishes+script, "@PORT@", strconv.Itoa(s.Ports.SMTP))
	}
}

// mostLogged is how many lines of a log are read at most, the last ones.
const mostLogged = 1000

// MailLog reads what the mail servers of a host have logged in the last minutes: the lines that hold one of some words.
func MailLog(minutes int, words ...string) Fact[[]string] {
	var which strings.Builder
	for _, word := range words {
		which.WriteString(" -e " + remote.Quote(word))
	}
	return Fact[[]string]{ID: "maillog", args: func(*site.Site) string { return strings.Join(words, " ") },
		ask: ofMail(mailBox + strings.NewReplacer("@MINUTES@", strconv.Itoa(minutes), "@WORDS@", which.String(), "@MOST@", strconv.Itoa(mostLogged)).Replace(`[ -n "$box" ] || need journalctl || return 3
logged() {
	if [ -n "$box" ]; then timeout 15 docker logs --since @MINUTES@m "$box" 2>&1
	else timeout 15 journalctl -q --no-pager --no-hostname --since -@MINUTES@min SYSLOG_FACILITY=2 + _SYSTEMD_UNIT=`+HarakaIn+` + _SYSTEMD_UNIT=`+HarakaOut+` 2>/dev/null
	fi || echo '== unread'
}
echo '== lines'; logged | awk '/^== unread$/ { print; next } { print "|" $0 }' | grep -F -e '== unread'@WORDS@ | tail -n @MOST@ | cut -c -800`)),
		parse: func(s sections) (all []string, err error) {
			if s.has("unread") {
				return nil, errors.New("the log of the mail server cannot be read")
			}
			for _, line := range s.lines("lines") {
				text, ok := strings.CutPrefix(line, "|")
				if !ok {
					return nil, odd("the mail server's log", line)
				}
				all = append(all, text)
			}
			if !s.has("lines") {
				return nil, fmt.Errorf("the log of the mail server was not read")
			}
			return all, nil
		}}
}
