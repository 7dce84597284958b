package demo

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func newWorld(t testing.TB, faults ...string) *World {
	t.Helper()
	w, err := New(Options{Faults: faults, Speed: 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// shOut runs a script on a host as root would, and gives what it printed on either output.
func shOut(h *Host, script string) (string, int) {
	p := h.start("", "test")
	var out held
	p.open(1, &file{host: h, sink: &out, refs: 2})
	p.open(2, p.fds[1])
	p.open(0, &file{host: h, source: strings.NewReader(""), refs: 1})
	code := p.finish(p.execute([]string{"sh", "-c", script}, map[string]string{"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}))
	out.mu.Lock()
	defer out.mu.Unlock()
	return out.b.String(), code
}

// scripts say the same in dash and in ours.
var scripts = []string{
	`echo a b; printf '%s-%d|%5s|%x\n' x 7 y 255; printf '%s\n' a b c; printf '\101\n%b' 'x\ty\n'`,
	`x=1; f() { local x=2; echo $x $#; return 3; }; f a b; echo $? $x`,
	`for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done; while :; do break; done; echo $?`,
	`case abc in a*) echo yes ;; *) echo no ;; esac; case x in y|x) echo 2;; esac; case '[' in \[) echo 3;; esac`,
	`set -- a 'b c' d; echo $#; for x in "$@"; do echo "<$x>"; done; shift; echo "$*"; set -- $2; echo "$1"`,
	`echo "${x-unset} ${x:=set} ${x+alt} ${#x}"; p=/a/b/c.conf; echo ${p##*/} ${p%.conf} ${p%/*} ${p#/}`,
	`echo $((1 + 2 * 3)) $((7 / 2)); i=1; i=$((i + 1)); echo $i`,
	`a=$(echo x; echo y); echo "$a"; echo $a; b=$(false); echo $?`,
	`cat <<E
x $((1+1)) $(echo sub)
E
cat <<'E'
x $y \
E
cat <<-E
	tabbed
		twice $HOME
	E
`,
	`(exit 3); echo $?; ! true; echo $?; true && false || echo or; false | true; echo $?`,
	`set -e; false || true; if false; then :; fi; ! true; (false) || echo sub; f() { false; echo in; }; f || echo out; echo end; false; echo never`,
	`set -e; x=$(false); echo never`,
	`exec 3>/tmp/out.$$; echo hi >&3; exec 3>&-; cat /tmp/out.$$; rm /tmp/out.$$; echo x 2>/dev/null >&2; echo gone >&9`,
	`{ echo one; echo two >&2; } 2>&1 | sort -r`,
	`printf 'a b  c\nd\\e f\nlast' | while read -r x y; do echo "<$x|$y>"; done; printf ' a:b :c\n' | { IFS=: read -r a b c; echo "<$a|$b|$c>"; }`,
	`printf ' lead and trail  \n' | { read -r l; echo "<$l>"; }; printf ' keep \n' | { IFS= read -r l; echo "<$l>"; }`,
	`sleep 0.1 & p=$!; wait $p; echo $?; sh -c 'exit 5' & wait $!; echo $?; sleep 9 & kill $!; wait $! 2>/dev/null; echo $?`,
	`trap 'echo bye' EXIT; echo hi; exit 4`,
	`eval 'echo "a  b"; x=5'; echo $x; unset x; echo ${x-none}`,
	`cd /tmp && pwd; cd /nope 2>/dev/null || echo cannot; echo "$PWD"`,
	`d=$(mktemp -d); cd "$d"; umask 077; echo x >f; stat -c %a f; umask 022; mkdir s; stat -c %a s; echo * ; rm -rf "$d"; echo .*nothing*`,
	`d=$(mktemp -d); cd "$d"; echo a>1; echo b>2; ln 1 3; ln 1 3 2>/dev/null || echo taken; mv -f 2 3; cat 3; ls; [ -e 2 ] || echo gone; ln -s 1 l; [ -h l ] && readlink l; rm 1; [ -e l ] || echo dangling; cd /; rm -rf "$d"`,
	`d=$(mktemp -d); cd "$d"; mkdir a b .c; : >a/x; : >b/y; : >'b/*z'; echo */ */* */[!x] b/\** "b"/?; echo "*" \* b/'*'*; set -f; echo *; set +f; for f in "$d"/*/nope*; do [ -e "$f" ] || echo "${f##*/}"; done; cd /; rm -rf "$d"`,
	`printf '%s\n' 3 1 2 10 | sort; printf '%s\n' 3 1 2 10 | sort -n | head -n 2; printf 'a\nb\nc\n' | tail -n 1; printf 'abcdef' | tail -c +3 | head -c 2; echo; printf 'abc' | tail -c 2`,
	`echo 'a:b:c' | cut -d: -f2; echo abcdef | cut -c1-3; echo abc | tr a-c A-C; echo a.b | tr -c '[:alnum:]\n' '?'; printf 'a\nb\n' | wc -l`,
	`printf 'foo=1\n# c\nbar = 2\n' | sed -n 's/^\([a-z]*\) *= *\(.*\)$/\1:\2/p'; printf '1\n2\n3\n' | sed 1,2d; echo a/b | sed 's|/|:|'; printf 'x\ny\n' | sed '/x/!d'`,
	`printf 'Foo\nbar\n' | grep -i foo; printf 'a\nb\n' | grep -c .; printf 'aXb\n' | grep -qE 'a(X|Y)b' && echo m; echo x | grep -q y; echo $?; printf 'a+b\n' | grep 'a+b'; printf -- '-A x\n' | grep '^-A'; printf 'ab\n' | grep -xF ab`,
	`printf 'a b\nc d\n' | awk '{print $2}'; printf '1 2\n' | awk -v x=5 '{print $1+x; exit 3}'; echo $?; echo 'PrivateKey = abc' | awk '{ printf "%s", $3 | "cat"
 close("cat") }'`,
	`printf abc | sha256sum; echo "$(date +%s)" | grep -q '^[0-9]*$' && echo num; date -u -d @0 '+%Y-%m-%d %H:%M:%S'`,
	`exec 9</dev/null; flock -n 9 && echo locked; (flock -n 9 && echo shared); flock -u 9 9<&9; exec 9<&-`,
	`d=$(mktemp -d); : >"$d/l"; exec 8<"$d/l"; flock -w 1 8; flock -n "$d/l" true || echo held; flock -s -n "$d/l" true || echo helds; flock -u 8; flock -s -n "$d/l" true && echo free; exec 8<&-; rm -r "$d"`,
	`timeout 5 sh -c 'exit 7'; echo $?; timeout 0.2 sleep 5; echo $?`,
	`command -v cd; command -v nosuchthing; echo $?; f() { :; }; command -v f; nosuchthing 2>/dev/null; echo $?`,
	`systemctl() { command echo fake "$@"; }; systemctl a b; (trap '' PIPE; echo in); echo ${1-} "$0" | cut -c1-2 | wc -l`,
	`x='a  b'; echo $x "$x"; y="it's"; echo "$y" '"q"' \$z; echo "a\nb" "tab\tx"`,
	`[ -z "" ] && [ -n x ] && [ 3 -gt 2 ] && [ a != b ] && [ ! -e /nope ] && echo ok; [ x = ]; echo $?; [ 1 -eq x ] 2>/dev/null; echo $?; test -d /tmp -a -w /tmp && echo and`,
	`f() { for x; do echo "$x"; done; }; f 1 2; while read -r a; do echo "l $a"; done <<E
1
2
E
until true; do :; done; echo "$-" | grep -c e`,
	`readonly r=1; (r=2) 2>/dev/null; echo $? $r; export A=1; sh -c 'echo $A $B'; B=2 sh -c 'echo $A $B'; echo "${B-none}"`,
	`printf 'x\n' >/tmp/d.$$; sh -e /tmp/d.$$ 2>/dev/null; echo $?; printf 'echo "$0 $1"; false; echo no\n' >/tmp/d.$$; sh -e /tmp/d.$$ arg | sed 's/[0-9]*//g'; . /tmp/d.$$ >/dev/null; echo $?; rm /tmp/d.$$`,
	`sh -s a b <<'E'
echo "$1 $2"
cat <<X
doc
X
E`,
	`set -u; echo ${nope-ok}; (echo $nope) 2>/dev/null; echo $?`,
	`setsid sh -c 'echo $$ >/tmp/p.$$; sleep 5' & p=$!; sleep 0.2; kill -s TERM -- -$p; wait $p; echo $?; rm -f /tmp/p.*`,
	`echo abc | { read -r x; echo "$x"; exec 3<&0; }; printf 'a\n\nb\n' | grep -v '^$' | xargs echo; seq 3 | tail -n 2; [ "$(printf 'a\n\n')" = a ] && echo trimmed`,
	`cp /dev/null /tmp/e.$$; [ -s /tmp/e.$$ ] || echo empty; cmp -s /tmp/e.$$ /dev/null && echo same; rm -f /tmp/e.$$`,
}

// TestShellIsDash runs each script in the real shell too: ours must print the same.
func TestShellIsDash(t *testing.T) {
	if _, err := exec.LookPath("dash"); err != nil {
		t.Skip("there is no dash to compare with")
	}
	for _, script := range scripts {
		w := newWorld(t)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, "dash", "-c", script)
		cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
		var b bytes.Buffer
		cmd.Stdout, cmd.Stderr = &b, &b
		cmd.Run()
		want, code := b.String(), cmd.ProcessState.ExitCode()
		got, status := shOut(w.Proxy, script)
		bare := func(s string) string { // what each says about itself differs
			var kept []string
			for _, line := range strings.Split(s, "\n") {
				if !strings.HasPrefix(line, "dash:") && !strings.HasPrefix(line, "sh:") && line != "Terminated" {
					kept = append(kept, line)
				}
			}
			return strings.Join(kept, "\n")
		}
		if bare(got) != bare(want) || status != code {
			t.Errorf("script:\n%s\ngot %d:\n%s\nwant %d:\n%s", script, status, got, code, want)
		}
	}
}
