package haraka

import (
	_ "embed"
	"encoding/json"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// bySmarthost has Haraka send by a smart host.
//
//go:embed smarthost.js
var bySmarthost string

// What sends by one, in the folder of the instance that sends.
const (
	smarthostFile   = "config/smarthost.json"
	smarthostPlugin = "plugins/smarthost.js"
)

// route is what the plugin is told: all but the password, whose file it reads for each mail.
func route(m site.Smarthost) string {
	text, err := json.MarshalIndent(map[string]any{"host": m.Host, "port": m.Port, "user": m.User, "wrapped": m.Wrapped(), "password": seen.PasswordFile(m)}, "", "  ")
	if err != nil {
		panic(err) // a map of texts
	}
	return string(text) + "\n"
}

// password asks for the smart host's where there is none, or where it was refused. Nothing asked for is handed over where a change is
// taken back in the middle: then it is asked for again.
func password(m site.Smarthost) does.Command {
	file := seen.PasswordFile(m)
	return does.Command{
		ID: "password", First: true, Secret: "password of " + m.Account(),
		Title: "keep the password of " + m.Account(),
		Why:   "it is asked for, and lies in " + file + " alone, for Haraka to read: it stands in no answer, plan or log",
		Test:  "f=" + file + "\n[ -s \"$f\" ] && ! { " + seen.SmarthostSaid + " | grep -q '^" + seen.SmarthostRefuses + "'; }",
		Do: "umask 077\nif [ -s " + remote.HandedPath + " ]; then cat " + remote.HandedPath + " >" + file + ".new\n" + dressed(file) +
			"rm -f " + remote.HandedPath + "\nfi\n",
		// It is not lost until nobody can want it back: what is in memory is gone with the next boot.
		Undo: "for f in " + out + "/password.*; do\n\tif [ -f \"$f\" ]; then mv -f \"$f\" " + remote.HandedPath + "\n\tchown root:root " + remote.HandedPath + "\n\tchmod 0600 " + remote.HandedPath + "\n\tfi\ndone\n",
	}
}

// forgotten are the passwords of other smart hosts than the one that mail goes by, which are of no use any more.
func forgotten(m site.Smarthost) does.Command {
	others := "for f in " + out + "/password.*; do\n\tif [ -f \"$f\" ] && [ \"$f\" != " + remote.Quote(seen.PasswordFile(m)) + " ]; then "
	return does.Command{
		ID: "forgotten", Title: "forget the password of a smart host that mail does not go by",
		Why: "what is forgotten does not come back", Forget: true,
		Test: others + "exit 1; fi\ndone",
		Keep: others + "rm -f \"$f\"; fi\ndone",
	}
}
