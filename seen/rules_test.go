package seen

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
)

// rulesOf asks a host with such tools, by name, for its rules.
func rulesOf(t *testing.T, tools map[string]string) (Ruleset, string, error) {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell here")
	}
	bin := t.TempDir()
	for _, program := range []string{"iptables", "ip6tables"} {
		for _, kind := range []string{"", "-legacy", "-nft"} {
			name := program + kind + "-save"
			if tools[name] == "" {
				tools[name] = "printf '*filter\\n:INPUT ACCEPT [0:0]\\nCOMMIT\\n'"
			}
		}
		if tools[program] == "" {
			tools[program] = "echo '" + program + " v1.8.9 (nf_tables)'"
		}
	}
	for name, script := range tools {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil { //nolint:gosec // it is run
			t.Fatal(err)
		}
	}
	s := site.Default()
	q := Rules.Query(s, s.Hosts[0])
	run := exec.Command(sh, "-c", q.Run)
	run.Env = []string{"PATH=" + bin + ":/usr/bin:/bin"}
	out, err := run.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r, err := Rules.Of(remote.Facts{Answers: map[string]remote.Answer{q.ID: {Out: string(out)}}})
	return r, string(out), err
}

// lister is an nft of a host with iptables' own table, a small one and one of very many rules.
const lister = `case "$*" in
"list tables") printf 'table ip filter\ntable inet big\ntable ip6 mine\n' ;;
*"list table ip filter") echo 'table ip filter { # asked' ;;
*"list table inet big") printf 'table inet big {\n\tchain in {\n\t\ttype filter hook input priority 0; policy drop;\n'; i=0
	while [ $i -lt 3000 ]; do echo "		ip saddr 198.18.0.1 drop"; i=$((i+1)); done; printf '\t}\n}\n' ;;
%s"list table ip6 mine") printf 'table ip6 mine { # progname x\n\tchain in {\n\t\ttype filter hook input priority 0; policy drop;\n\t}\n}\n' ;;
*) exit 1 ;;
esac`

// TestTablesOfNft: what iptables shows is not listed again, however much it is; a table that is too long is not known, and the others are.
func TestTablesOfNft(t *testing.T) {
	for name, terse := range map[string]string{"nft that is terse": "'-t '", "nft that cannot be": ""} {
		t.Run(name, func(t *testing.T) {
			r, out, err := rulesOf(t, map[string]string{"nft": fmt.Sprintf(lister, terse)})
			if err != nil || len(r.Beside) != 2 || strings.Contains(out, "asked") || strings.Count(out, "\n") > 2100 {
				t.Fatalf("%v: %+v\n%.200s", err, r.Beside, out)
			}
			six := r.Enters(Packet{Proto: "tcp", Src: netip.MustParseAddr("2001:db8::1"), Port: 25, In: "eth0"})
			if six.Verdict != "DROP" || six.Unsure || six.Rule != "table ip6 mine: policy of in" {
				t.Errorf("%+v", six)
			}
			four := r.Enters(Packet{Proto: "tcp", Src: netip.MustParseAddr("192.0.2.1"), Port: 25, In: "eth0"})
			if !four.Unsure || !strings.HasPrefix(four.Doubt.Rule, "table inet big: ") {
				t.Errorf("%+v", four)
			}
		})
	}
	for name, nft := range map[string]string{"no tables": "exit 0", "no such kernel": "echo no >&2; exit 1", "a table that goes away": "[ \"$*\" = 'list tables' ] && echo 'table inet gone'"} {
		r, _, err := rulesOf(t, map[string]string{"nft": nft})
		if err != nil || (len(r.Beside) > 0) != strings.Contains(name, "away") {
			t.Errorf("%s: %v: %+v", name, err, r.Beside)
		}
	}
}

// TestOtherRuleSetOfEach: iptables and ip6tables are chosen apart; the other of each is the one that it does not write.
func TestOtherRuleSetOfEach(t *testing.T) {
	r, out, err := rulesOf(t, map[string]string{"iptables": "echo 'iptables v1.8.9 (legacy)'",
		"iptables-nft-save":  "printf '*filter\\n:INPUT DROP [0:0]\\n-A INPUT -i lo -j ACCEPT\\nCOMMIT\\n'",
		"ip6tables-nft-save": "printf '*filter\\n:INPUT DROP [0:0]\\n-A INPUT -i wrong -j ACCEPT\\nCOMMIT\\n'"})
	if err != nil || r.Other != "nft: -A INPUT -i lo -j ACCEPT" || strings.Contains(out, "wrong") {
		t.Errorf("%v: %q\n%s", err, r.Other, out)
	}
}
