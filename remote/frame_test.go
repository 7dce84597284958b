package remote

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// feedAll feeds a stream in pieces of n bytes.
func feedAll(f *frame, stream string, n int) (rest string, done bool) {
	for len(stream) > 0 {
		n := min(n, len(stream))
		r, ok := f.feed([]byte(stream[:n]))
		stream = stream[n:]
		if ok {
			return string(r) + stream, true
		}
	}
	return "", false
}

func TestFrame(t *testing.T) {
	for _, c := range []struct {
		name, stream, out, rest string
		code                    int
		done                    bool
	}{
		{"plain", "\nN begin\na\n\nN 0\nrest", "a\n", "rest", 0, true},
		{"empty", "\nN begin\n\nN 7\n", "", "", 7, true},
		{"no line feed", "\nN begin\na\nN 0\n", "a", "", 0, true},
		{"noise before", "motd\x1b[2J\nN 3\nN begin\n\nN 0\n", "", "", 0, true},
		{"another's frame before", "\nM begin\nx\n\nM 0\n\nN begin\ny\n\nN 0\n", "y\n", "", 0, true},
		{"near misses", "\nN begin\n N 0\nN x\nN \nN12\n\nN 0\n", " N 0\nN x\nN \nN12\n", "", 0, true},
		{"never ends", "\nN begin\na\n", "a", "", 0, false},
		{"status of a host that lies", "\nN begin\n\nN 99999999999999999999\n\nN 1\n", "\nN 99999999999999999999\n", "", 1, true},
	} {
		for n := 1; n < 20; n++ {
			var out bytes.Buffer
			f := &frame{nonce: "N", sink: func(b []byte) { out.Write(b) }}
			rest, done := feedAll(f, c.stream, n)
			if out.String() != c.out || rest != c.rest || done != c.done || f.code != c.code {
				t.Errorf("%s, by %d: out %q, rest %q, %v, %d", c.name, n, out.String(), rest, done, f.code)
			}
		}
	}
}

// Whatever a host sends, the frame ends in bounded memory, and what a script printed comes back byte for byte.
func FuzzFrame(f *testing.F) {
	f.Add("noise", "out\n", 3, 5)
	f.Add("\nNONCE begin", "\nNONCE 0", 1, 1)
	f.Fuzz(func(t *testing.T, noise, out string, code, n int) {
		const nonce = "p0123456789abcdef0123456789abcdef"
		if strings.Contains(noise+out, nonce) || code < 0 || code > 255 || n < 1 {
			t.Skip()
		}
		stream := noise + "\n" + nonce + " begin\n" + out + "\n" + nonce + fmt.Sprintf(" %d\n", code)
		var got bytes.Buffer
		fr := &frame{nonce: nonce, sink: func(b []byte) { got.Write(b) }}
		if rest, done := feedAll(fr, stream, n); !done || rest != "" || got.String() != out || fr.code != code {
			t.Fatalf("out %q for %q, rest %q, %v, %d", got.String(), out, rest, done, fr.code)
		}
	})
}

// A host that lies in the frame of an answer can do no worse than be told apart from one that answers.
func FuzzLooker(f *testing.F) {
	f.Add("\npq0 begin\nx\n\npq0 0\n\npq1 begin\n", 1)
	f.Add("\npq0 begin\n0000000000000000000000000000\npq0 ", 150)
	f.Add("pq0 begin\npq0 -1\n\npq1 begin\n\npq0 99\npq2 0\n", 7)
	f.Fuzz(func(t *testing.T, stream string, n int) {
		if n < 1 {
			t.Skip()
		}
		l := &looker{nonce: "p", answers: make([]Answer, 3)}
		for len(stream) > 0 {
			n := min(n, len(stream))
			l.take([]byte(stream[:n]))
			stream = stream[n:]
		}
		if l.whole > len(l.answers) || l.frame != nil && len(l.frame.held) > 32 {
			t.Fatalf("%+v", l)
		}
		for i := range l.answers {
			l.answers[i].file()
		}
	})
}
