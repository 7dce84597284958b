package haraka

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"time"

	"postern/remote"
	"postern/steps/does"
)

const binary = app + "/node_modules/haraka/bin/haraka"

//go:embed probe.js
var probing string

// probe tries what was installed, before any unit runs it: our plugin holds on to the inside of this version, and the host's Node is
// not of our choice. It is tried again when what is probed changes.
func probe() does.Command {
	texts, err := json.Marshal(intake("probe.invalid", []string{"probe.invalid"}, "127.0.0.1:@HERE@", "127.0.0.1", "@THERE@"))
	if err != nil {
		panic(err) // a map of texts
	}
	script := "const files = " + string(texts) + "\n" + probing
	sum := sha256.Sum256([]byte(script))
	proven, is := app+"/.proven", hex.EncodeToString(sum[:8])
	return does.Command{
		ID: "probe", First: true, Takes: 2 * time.Minute,
		Title: "try Haraka " + Version + " on this host, before anything runs it",
		Why:   "on ports of loopback, as the user " + user + ": it must greet, and pass a mail on with XCLIENT, or not at all",
		Test:  "[ \"$(cat " + proven + " 2>/dev/null)\" = " + is + " ]",
		Do: "cd /\nprintf %s " + remote.Quote(script) + " | setpriv --reuid=" + user + " --regid=" + user + " --clear-groups --no-new-privs --pdeathsig KILL node - " + binary + "\n" +
			"echo " + is + " >" + proven + "\n",
		Undo: "rm -f " + proven + "\n",
	}
}
