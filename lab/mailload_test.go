//go:build linux

package main

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMailLoad: large, odd and many messages arrive as they were, on either path, and nothing is stuck afterwards.
func TestMailLoad(t *testing.T) {
	t.Parallel()
	needTorture(t)
	m := newMailed(t, "haraka", Options{Suite: "trixie", Mail: "plain"})
	m.run(0, "apply", "--yes")
	m.proven()
	for _, path := range []string{"haraka", "direct"} {
		if path == "direct" {
			m.run(0, "apply", "--yes", "--save", "--set", "mail.path="+path)
		}
		t.Logf("memory before: %s", m.memory())
		m.odd(path)
		t.Logf("memory after large ones: %s", m.memory())
		m.crowd(path)
		t.Logf("memory after many: %s", m.memory())
		m.emptied("proxy", "ls -A /opt/haraka-out/queue 2>/dev/null; :")
		m.emptied("mail", "postqueue -p | grep -v 'queue is empty'; :")
	}
}

// large is a body of so many bytes, in lines of a width.
func large(size, width int) string {
	line := strings.Repeat("x", width-2) + "\r\n"
	return strings.Repeat(line, size/len(line))
}

// odd are messages that something on their way may not take, or may take apart.
func odd(word string) []letter {
	many := strings.Builder{}
	for n := range 10000 {
		fmt.Fprintf(&many, "X-Line-%d: a@example.net\r\n", n)
	}
	cc := strings.Builder{}
	for _, name := range []string{"Cc", "Resent-To", "Resent-Cc"} { // a filter of the mail server's takes no more than 64 kB of one
		cc.WriteString(name + ": " + strings.Repeat("a@example.net,\r\n ", 3333) + "b@example.net\r\n")
	}
	return []letter{
		{word: "large" + word, text: large(25<<20, 78)},
		{word: "recipients" + word, header: cc.String()},
		{word: "lines" + word, header: many.String()},
		{word: "bytes" + word, header: "X-Name: Zo\xeb Gr\xf6\xdfe\r\n", text: "gr\xfc\xdfe \x80\xff\r\n"},
		{word: "names" + word, sender: "zoë@external.test", header: "X-Name: Zoë Größe 世界\r\n", text: "grüße\r\n"},
		{word: "widest" + word, text: large(1<<20, 1000)},
		{word: "dots" + word, text: ".\r\n..\r\n.dot\r\n\r\n.\r\nend\r\n"},
	}
}

// odd sends them both ways.
func (m mailed) odd(word string) {
	t := m.t.(*testing.T)
	t.Helper()
	var wg sync.WaitGroup
	for _, one := range odd(word) {
		in, out := incoming("in"+one.word), leaving("out"+one.word, "odd"+word)
		in.sender = cmp.Or(one.sender, in.sender)
		in.header, in.text, out.header, out.text = one.header, one.text, one.header, one.text
		for _, one := range []letter{in, out} {
			wg.Go(func() {
				start := time.Now()
				(&stream{t: t, l: m.l}).hand(one)
				t.Logf("%s is taken after %.1f s", one.word, time.Since(start).Seconds())
			})
		}
	}
	wg.Wait()
	for _, one := range odd(word) {
		got := m.l.file(t, "in"+one.word)
		if want := strings.ReplaceAll(one.text, "\r\n", "\n"); !strings.Contains(got, want) {
			t.Errorf("in%s does not arrive as it was: %d bytes, of a text of %d: %.3000q", one.word, len(got), len(want), got)
		}
		for line := range strings.Lines(one.header) {
			if line := strings.ReplaceAll(line, "\r", ""); !strings.Contains(got, line) {
				t.Errorf("in%s arrives without its line %q", one.word, line)
				break
			}
		}
		_, text := m.l.exchanged(t, "odd"+word, "Subject: out"+one.word+"\r\n")
		if !strings.Contains(text, one.header) || !strings.Contains(text, "\r\n\r\n"+one.text) {
			t.Errorf("out%s does not arrive as it was: %d bytes, of a header of %d and a text of %d: %.3000q", one.word, len(text), len(one.header), len(one.text), text)
		}
	}
	m.l.left(t, "odd"+word)
}

// file waits for a message with a subject in the mailbox, and gives it.
func (l *Lab) file(t *testing.T, subject string) (text string) {
	t.Helper()
	if err := poll(t.Context(), 2*time.Minute, func() bool {
		text, _ = l.Exec(t.Context(), "mail", "sh", "-c", `cd /var/vmail/example.org/ann/Maildir && f=$(grep -rlsm1 "^Subject: $1\$" new cur) && cat "$f"`, "sh", subject)
		return text != ""
	}); err != nil {
		t.Errorf("%s does not arrive: %v", subject, err)
	}
	return text
}

// crowd has 20 strangers, and 20 of ours, send at once for a minute, each the next as soon as one is taken.
func (m mailed) crowd(word string) {
	t := m.t.(*testing.T)
	t.Helper()
	user := "crowd" + word
	for _, like := range []letter{incoming("in" + user), leaving("out"+user, user)} {
		s := &stream{t: t, l: m.l, letter: like, cancel: func() {}}
		end := time.Now().Add(time.Minute)
		for n := range 20 {
			s.wg.Go(func() {
				for i := 0; time.Now().Before(end); i++ {
					one := like
					one.word = fmt.Sprintf("%s-%d-%d", like.word, n, i)
					s.hand(one)
				}
			})
		}
		s.wg.Wait()
		t.Logf("%s: all taken %.0f s after the minute", like.word, time.Since(end).Seconds())
		s.end(func() []string {
			if like.password == "" {
				m.l.hurry(t) // Dovecot takes so many for one mailbox at once, and puts the rest off
				return m.l.received(t)
			}
			return m.l.left(t, user)
		})
	}
}

// memory is what each of the proxy's mail servers takes, now and at most.
func (m mailed) memory() string {
	return want(m.t, m.l, "proxy", "sh", "-c", `free -m | awk '/^Mem/ { print "of the host " $3 " MB" }'
for u in haraka-in haraka-out; do
	pid=$(systemctl show -P MainPID $u) || continue
	[ "$pid" = 0 ] || awk -v u=$u '/^Vm(HWM|RSS)/ { v[$1] = int($2 / 1024) } END { print u ": " v["VmRSS:"] " MB, at most " v["VmHWM:"] " MB" }' /proc/$pid/status
done`)
}
