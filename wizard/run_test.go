package wizard

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/run"
	"postern/site"
)

// paper is a terminal's other end: it keeps what was written, and tells when something was.
type paper struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{}
}

func (p *paper) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.wrote <- struct{}{}:
	default:
	}
	return p.text.Write(b)
}

func (p *paper) all() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// sitting is a wizard that really runs, without a terminal.
type sitting struct {
	t     *testing.T
	paper *paper
	keys  io.Writer
	end   chan Ending
}

func sit(t *testing.T, o Options) *sitting {
	t.Helper()
	in, keys, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keys.Close(); in.Close() })
	s := &sitting{t: t, paper: &paper{wrote: make(chan struct{}, 1)}, keys: keys, end: make(chan Ending, 1)}
	o.In, o.Out, o.Width, o.Height, o.Clock = in, s.paper, 80, 24, time.Now
	if o.Runner == nil {
		o.Runner = func(*site.Site, Asker) (*run.Runner, error) {
			return nil, errors.New("there are no hosts in this test")
		}
	}
	go func() {
		end, err := Run(context.Background(), o)
		if err != nil {
			t.Error(err)
		}
		s.end <- end
	}()
	return s
}

// until waits until something was written that matches.
func (s *sitting) until(what string) {
	s.t.Helper()
	for deadline := time.After(20 * time.Second); !strings.Contains(s.paper.all(), what); {
		select {
		case <-s.paper.wrote:
		case <-deadline:
			s.t.Fatalf("never seen: %q, only %q", what, s.paper.all())
		}
	}
}

func (s *sitting) press(text string) {
	if _, err := io.WriteString(s.keys, text); err != nil {
		s.t.Fatal(err)
	}
}

func (s *sitting) leave() Ending {
	s.press("\x03")
	select {
	case end := <-s.end:
		return end
	case <-time.After(20 * time.Second):
		s.t.Fatal("ctrl+c does not leave")
		return Ending{}
	}
}

func TestTypingSendsFewBytes(t *testing.T) {
	o := setup(t, "")
	o.Environ = []string{"TERM=xterm-256color", "LANG=C.UTF-8", "COLORTERM=", "CLICOLOR_FORCE=1", "SSH_TTY=/dev/pts/0"}
	s := sit(t, o)
	s.until("Network")
	s.press("\r")
	s.until("Only you know")
	s.press("m")
	s.until("m")
	var sizes []int
	for _, letter := range "ail-of-example.org" {
		for len(s.paper.wrote) > 0 {
			<-s.paper.wrote
		}
		before := len(s.paper.all())
		s.press(string(letter))
		select {
		case <-s.paper.wrote:
		case <-time.After(20 * time.Second):
			t.Fatalf("nothing is drawn for %q", letter)
		}
		sizes = append(sizes, len(s.paper.all())-before)
	}
	s.leave()
	slices.Sort(sizes)
	t.Logf("bytes per key: %v", sizes)
	if most := sizes[len(sizes)-1]; most > 64 {
		t.Errorf("a key sends up to %d bytes; 64 at most (%v)", most, sizes)
	}
	if median := sizes[len(sizes)/2]; median >= 16 {
		t.Errorf("a key sends %d bytes in the median; fewer than 16 are plenty (%v)", median, sizes)
	}
}

func TestNoColourMeansNone(t *testing.T) {
	coloured := regexp.MustCompile(`\x1b\[[0-9;]*\b(3[0-9]|4[0-9]|9[0-7])\b[0-9;]*m`)
	for _, c := range []struct {
		env  []string
		flag bool
		want bool
	}{
		{nil, false, true},
		{[]string{"NO_COLOR=1"}, false, false},
		{[]string{"NO_COLOR=yes"}, false, false},
		{[]string{"NO_COLOR="}, false, true},
		{[]string{"CLICOLOR=0"}, false, false},
		{nil, true, false},
	} {
		o := setup(t, "host.proxy.ssh = a@203.0.113.10\nhost.mail.ssh = b@203.0.113.11\nsaved")
		o.Environ, o.NoColor = append([]string{"TERM=xterm-256color", "LANG=C.UTF-8", "CLICOLOR_FORCE=1", "SSH_TTY=/dev/pts/0"}, c.env...), c.flag
		s := sit(t, o)
		s.until("FAIL")
		s.press("w") // a list, of which one row is chosen
		s.until("another SSH destination")
		s.leave()
		if got := coloured.MatchString(s.paper.all()); got != c.want {
			t.Errorf("%v, --no-color %v: coloured is %v", c.env, c.flag, got)
		}
		if !strings.Contains(s.paper.all(), "\x1b[7m") && !strings.Contains(s.paper.all(), "\x1b[1;7m") && !strings.Contains(s.paper.all(), ";7m") {
			t.Errorf("%v: nothing is reversed", c.env)
		}
	}
}

func TestLeavingSaysHowToGoOn(t *testing.T) {
	o := setup(t, "")
	o.Environ = []string{"TERM=xterm-256color"}
	s := sit(t, o)
	s.until("Network")
	end := s.leave()
	if text := strings.Join(end.Lines, "\n"); end.Code != 0 || !strings.Contains(text, "go on with: postern --site "+o.File.Path) {
		t.Errorf("%d\n%s", end.Code, text)
	}
	if !strings.Contains(s.paper.all(), "\x1b[?1049l") {
		t.Error("the screen is not given back")
	}
}
