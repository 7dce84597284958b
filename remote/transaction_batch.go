package remote

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"postern/remote/agent"
)

const stateDir = "/var/lib/postern"

// state is where the host keeps what it needs.
func (s *Session) state() string {
	if s.o.StateDir != "" {
		return s.o.StateDir
	}
	return stateDir
}

// places are the agent's two folders. A state folder elsewhere is a test's, and brings its own /etc for boot guards.
func (s *Session) places() string {
	etc := "/etc"
	if s.state() != stateDir {
		etc = s.state() + "/etc"
	}
	return "D=" + Quote(s.state()) + " ETC=" + Quote(etc) + "\n"
}

// head begins what is run before the agent is there: its folders, and what it knows of the system.
func (s *Session) head() string { return s.places() + agent.System(s.uname) }

// agent is the text that is stored on the host. Its first line names it by what it does.
func (s *Session) agent() string {
	text := cmp.Or(s.o.Agent, agent.Text(s.uname))
	sum := sha256.Sum256([]byte(text))
	return "# postern agent " + hex.EncodeToString(sum[:6]) + "\n" + s.places() + text
}

// verbScript asks the stored agent of the open transaction, which may be of another version, and else runs ours without
// storing it.
func (s *Session) verbScript(verb string, args ...string) string {
	words := verb
	for _, a := range args {
		words += " " + Quote(a)
	}
	return s.places() + `if [ -f "$D/open/agent" ]; then
	/bin/sh "$D/open/agent" ` + words + `
	rc=$?
	case $rc in 2 | 127) ;; *) exit $rc ;; esac # it ended while we looked
fi
set -- ` + words + "\n" + s.agent()
}

// beginScript is the whole of a transaction as one batch.
func (s *Session) beginScript(t Transaction) string {
	p := payload{id: t.ID}
	p.line("deadline", seconds(t.Deadline))
	if t.Answers != nil {
		p.text("answers", t.Answers.Text)
	}
	p.changes(t.Changes)
	return s.head() + s.batch(&p, "in."+t.ID, t.Operator, t.Changes, "begin")
}

// batch is the script that takes the mutex, writes a payload and hands over to the agent in it.
func (s *Session) batch(p *payload, folder, operator string, changes []Change, verb string) string {
	owner := fmt.Sprintf("%s\ntransaction %s: %s\n", Clean(operator).Line(200), p.id, strings.Join(stepsOf(changes), " "))
	p.text("owner", owner)
	p.line("id", p.id)
	p.text("agent", s.agent())
	var b strings.Builder
	b.WriteString("I=$D/" + folder + " id=" + p.id + "\n")
	b.WriteString(batchHead)
	b.WriteString("{\nmkdir \"$I\" \"$I/c\"")
	for i := range changes {
		fmt.Fprintf(&b, ` "$I/c/%03d"`, i+1)
	}
	b.WriteString(" || bad=1\n")
	b.WriteString(p.b.String())
	b.WriteString(`date -u '+since %Y-%m-%d %H:%M:%S UTC' >>"$I/owner" || bad=1` + "\n} 2>/dev/null\n")
	b.WriteString(`[ -z "$bad" ] || { rm -rf "$I"; echo "result E_DISK no space under $D, or it is read-only"; exit 12; }` + "\n")
	b.WriteString(`exec /bin/sh "$I/agent" ` + verb + " " + p.id + "\n")
	return b.String()
}

// batchHead makes the state folder and takes the mutex, so that whatever lies in it half made is known to be dead.
const batchHead = `umask 077 bad=''
! tool=$(lacks) || { echo "result E_NOGUARD it has no $tool"; exit 13; }
[ ! -h "$D" ] && { [ -d "$D" ] || { (umask 022 && mkdir -p "${D%/*}") && mkdir "$D"; }; } 2>/dev/null && [ -O "$D" ] && chmod 700 "$D" && { : >>"$D/MUT"; } 2>/dev/null ||
	{ echo "result E_DISK $D cannot be made or written"; exit 12; }
exec 9<"$D/MUT"
lock 9 15 || { cat "$D/open/owner" "$D"/in.*/owner 2>/dev/null | sed 's/^/owner /'; echo 'result E_LOCKED'; exit 10; }
for used in "$D/open" "$D/done.$id"; do
	[ ! -e "$used/id" ] || [ "$(cat "$used/id")" != "$id" ] || { echo "result E_REFUSED transaction $id was begun before"; exit 18; }
done
rm -rf "$I"
w() { printf %s "$2" >"$I/$1" || bad=1; }
`

// payload gathers the files of a batch.
type payload struct {
	id string
	b  strings.Builder
}

func (p *payload) text(name, text string) {
	p.b.WriteString("w " + name + " " + Quote(text) + "\n")
}

// line writes what the agent reads with read, which wants a line feed.
func (p *payload) line(name, text string) { p.text(name, text+"\n") }

func (p *payload) changes(list []Change) {
	for i, c := range list {
		dir := fmt.Sprintf("c/%03d/", i+1)
		for _, f := range []struct{ name, text string }{
			{"path", c.Path}, {"step", c.Step}, {"cid", c.ID}, {"title", c.Title}, {"test", c.Test}, {"run", c.Do}, {"undo", c.Undo},
			{"keep", c.Keep}, {"risk", string(c.Risk)},
		} {
			if f.text != "" {
				p.line(dir+f.name, f.text)
			}
		}
		if c.Takes > 0 {
			p.line(dir+"takes", seconds(c.Takes))
		}
		if c.Bound {
			p.line(dir+"bound", "")
		}
		if c.AtConfirm {
			p.line(dir+"late", "")
		}
		if c.InTurn {
			p.line(dir+"turn", "")
		}
		if c.Forget {
			p.line(dir+"forget", "")
		}
		if c.Old != nil && c.Path != "" {
			p.text(dir+"expect", c.Old.Text)
		}
		if c.New != nil && c.Path != "" {
			p.text(dir+"new", c.New.Text)
			if c.New.Mode != 0 {
				p.line(dir+"mode", strconv.FormatUint(uint64(c.New.Mode.Perm()), 8))
			}
			if c.New.Owner != "" {
				p.line(dir+"owner", c.New.Owner)
			}
		}
	}
}

// stepsOf names the steps of changes, each once.
func stepsOf(changes []Change) []string {
	var list []string
	seen := map[string]bool{}
	for _, c := range changes {
		if !seen[c.Step] {
			seen[c.Step] = true
			list = append(list, c.Step)
		}
	}
	return list
}

func seconds(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) }
