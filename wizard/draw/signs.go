package draw

import "strings"

// Frame lines are written in these signs. An ASCII screen gets "-", "|" and "+" in their places, each as wide.
const (
	Across = "─"
	Down   = "│"
)

// plainly is what an ASCII screen gets for our own signs. Whatever else is not ASCII becomes "?".
var plainly = map[rune]rune{'─': '-', '│': '|', '╭': '+', '╮': '+', '╰': '+', '╯': '+', '├': '+', '┤': '+', '┬': '+', '┴': '+', '┼': '+', '▼': 'v', '║': '|', '…': '>'}

// marks are what stands beside the word of a state where the screen has more than ASCII. There "[ok]" becomes a mark and the
// word, in as many columns.
var marks = map[string]string{
	"ok": "✓", "done": "✓", "FAIL": "✗", "warn": "▲", "SSH": "▲", "mail": "▲", "unknown": "?", "?": "?", "skip": "·", "wait": "·", "  ": "·",
	"todo": "○", "--": "○", "set": "○", "..": "…", "run": "▸", "back": "←", "stop": "■",
}

// wordless are the states of which the mark says all.
var wordless = map[string]bool{"?": true, "  ": true, "--": true, "..": true}

// words turns the words of all states into marks and words.
var words = func() *strings.Replacer {
	var pairs []string
	for word, mark := range marks {
		pairs = append(pairs, "["+word+"]", marked(word, mark))
	}
	return strings.NewReplacer(pairs...)
}()

func marked(word, mark string) string {
	if wordless[word] {
		return Pad(mark, len(word)+2)
	}
	return mark + " " + word
}

// Words is text of ours that speaks of states, such as a page of help, with their marks as this screen draws them.
func (th *Theme) Words(text string) string {
	if th.ascii {
		return text
	}
	return words.Replace(text)
}

// state is a span that tells one, as this screen draws it: a whole span, or the beginning of one that has a style.
func (th *Theme) state(s Style, text string) string {
	body := strings.TrimLeft(text, " ")
	if th.ascii || s == Widget || s == Chosen || !strings.HasPrefix(body, "[") {
		return text
	}
	end := strings.IndexByte(body, ']')
	if end < 0 || s == Plain && strings.Trim(body[end+1:], " *") != "" {
		return text
	}
	mark, known := marks[body[1:end]]
	if !known {
		return text
	}
	return text[:len(text)-len(body)] + marked(body[1:end], mark) + body[end+1:]
}
