package seen

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"postern/remote"
	"postern/site"
)

// PasswordFile is where the proxy keeps the password of a smart host. Each account has a file of its own, so that none is ever said to
// another server.
func PasswordFile(m site.Smarthost) string {
	sum := sha256.Sum256([]byte(m.Account()))
	return HarakaSends + "/password." + hex.EncodeToString(sum[:4])
}

// SmarthostSaid is sh that prints what was said last of the logins at a smart host since the password in $f was put there. It reads backwards
// to the first: each is said once an hour at least.
const SmarthostSaid = `journalctl -q -r -u ` + HarakaOut + ` -o cat --since "@$(stat -c %Y "$f")" 2>/dev/null | sed -n '/.*\[smarthost\] the smart host /{s///p;q;}' | cut -c 1-300`

// SmarthostRefuses begins what is said where a login was refused, SmarthostTakes is what is said where it was taken.
const (
	SmarthostRefuses = "refuses the login: "
	SmarthostTakes   = "takes the login"
)

// Sending is how a proxy stands with its smart host.
type Sending struct {
	Password bool   // it has one for this account
	Said     string // what came of the last login since it has it; empty where there was none
	Waiting  int    // mails that were not sent yet
}

// Smarthost reads how mail gets on with the smart host.
var Smarthost = register(Fact[Sending]{ID: "smarthost", args: func(s *site.Site) string { return PasswordFile(s.Smarthost) },
	ask: func(s *site.Site, _ *site.Host) string {
		return "f=" + PasswordFile(s.Smarthost) + `
echo '== password'; if [ -s "$f" ]; then echo yes; fi
echo '== said'; if [ -s "$f" ]; then ` + SmarthostSaid + `; fi
echo '== waiting'; if [ -d ` + HarakaSends + `/queue ]; then ls -1A ` + HarakaSends + `/queue 2>/dev/null | wc -l; else echo 0; fi`
	}, parse: func(s sections) (Sending, error) {
		waiting, err := strconv.Atoi(s.one("waiting"))
		if err != nil {
			return Sending{}, odd("the queue", s.one("waiting"))
		}
		return Sending{s.one("password") == "yes", remote.Clean(s.one("said")).Line(200), waiting}, nil
	}})

// Roots reads whose certificates a host trusts.
var Roots = Fact[*x509.CertPool]{ID: "roots", ask: text("echo '== roots'; cat /etc/ssl/certs/ca-certificates.crt 2>/dev/null"),
	parse: func(s sections) (*x509.CertPool, error) {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(strings.Join(s["roots"], "\n"))) {
			return nil, errors.New("it trusts nobody's certificates: ca-certificates is not installed")
		}
		return pool, nil
	}}
