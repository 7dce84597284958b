package remote

import (
	"bytes"
	"strconv"
	"strings"
)

// frame picks one script's output out of the noise of a shell's stream. The script's output stands between a line that is
// the nonce and the word begin, and a line that is the nonce and the exit status; the line feed before the last line is the
// frame's own, so that output without one comes back as it was.
type frame struct {
	nonce string
	sink  func([]byte) // gets the output in pieces, in order
	pause func()       // called when all is handed over but a line feed that may be the frame's own; may be nil

	state int // how far it is
	held  []byte
	code  int
}

const (
	frameAwaited = iota
	frameOpen
	frameWhole
)

// feed takes the next piece of the stream and tells whether the frame is whole; rest is what came after it.
func (f *frame) feed(b []byte) (rest []byte, done bool) {
	f.held = append(f.held, b...)
	if f.state == frameAwaited {
		mark := "\n" + f.nonce + " begin\n"
		n := index(f.held, mark)
		if n < 0 {
			f.held = tail(f.held, len(mark)-1)
			return nil, false
		}
		f.held = f.held[n+len(mark):]
		f.state = frameOpen
	}
	for f.state == frameOpen {
		n := index(f.held, "\n"+f.nonce+" ")
		if n < 0 {
			keep := overlap(f.held, "\n"+f.nonce+" ")
			if len(f.held) > keep {
				f.sink(f.held[:len(f.held)-keep])
				f.held = tail(f.held, keep)
			}
			if keep == 1 && f.pause != nil {
				f.pause()
			}
			return nil, false
		}
		if n > 0 {
			f.sink(f.held[:n])
			f.held = f.held[n:]
		}
		line := f.held[len(f.nonce)+2:]
		end := bytes.IndexByte(line, '\n')
		if end < 0 && len(line) < 4 {
			return nil, false
		}
		code, err := 0, strconv.ErrSyntax
		if end >= 0 {
			code, err = strconv.Atoi(string(line[:end]))
		}
		if err != nil { // not ours after all
			f.sink(f.held[:1])
			f.held = f.held[1:]
			continue
		}
		f.code, f.state = code, frameWhole
		return line[end+1:], true
	}
	return b, true
}

// wrap is the text that runs a script framed by the nonce: in a subshell, so that it can neither change nor end the shell
// that reads it; through eval, so that a syntax error ends only the subshell; fed on standard input, so that it shows in no
// process list.
func wrap(nonce, script string) string {
	return "{ printf '\\n%s begin\\n' " + nonce + "; ( eval " + Quote(script+"\n") + " ) </dev/null 2>&1\nprintf '\\n%s %d\\n' " + nonce + " $?; " + wrapEnd
}

// wrapEnd is the end of what wrap makes: a shell that meets the end of its input before it runs nothing of it.
const wrapEnd = "}\n"

// overlap is how many bytes at the end of b may be the start of word.
func overlap(b []byte, word string) int {
	for n := min(len(b), len(word)-1); n > 0; n-- {
		if string(b[len(b)-n:]) == word[:n] {
			return n
		}
	}
	return 0
}

// index is strings.Index for bytes.
func index(b []byte, word string) int { return bytes.Index(b, []byte(word)) }

// tail is a copy of the last n bytes.
func tail(b []byte, n int) []byte {
	if len(b) > n {
		b = b[len(b)-n:]
	}
	return append([]byte(nil), b...)
}

// keeper is a sink that keeps the first MaxAnswer bytes, and knows whether there was more.
type keeper struct {
	strings.Builder
	cut bool
}

func (k *keeper) take(b []byte) {
	if room := MaxAnswer - k.Len(); len(b) > room {
		b, k.cut = b[:room], true
	}
	k.Write(b)
}

// liner is a sink that hands over whole lines, made harmless. A line longer than MaxText comes in several.
type liner struct {
	line  func(Text)
	part  []byte
	early bool // the line is handed over, its line feed not yet seen
}

// pause hands over a line whose line feed is still held back.
func (l *liner) pause() {
	if len(l.part) > 0 {
		l.end()
		l.early = true
	}
}

func (l *liner) take(b []byte) {
	if l.early && len(b) > 0 {
		l.early = false
		b = bytes.TrimPrefix(b, []byte("\n"))
	}
	l.part = append(l.part, b...)
	for {
		n := bytes.IndexByte(l.part, '\n')
		switch {
		case n >= 0:
			l.line(Clean(string(l.part[:n])))
			l.part = l.part[n+1:]
		case len(l.part) >= MaxText:
			l.line(Clean(string(l.part[:MaxText])))
			l.part = l.part[MaxText:]
		default:
			return
		}
	}
}

// end hands over a last line that was not ended.
func (l *liner) end() {
	if len(l.part) > 0 {
		l.line(Clean(string(l.part)))
		l.part = nil
	}
}
