package does

import (
	"cmp"
	"strings"

	"postern/remote"
)

// The marks around lines of ours in files of others. A colon and a remark may follow the first one.
const (
	BlockBegin = "# postern begin"
	BlockEnd   = "# postern end"
)

// Block is lines of ours in a file of others, between two marks.
type Block struct {
	Path  string
	Text  string                // whole lines; empty: there is to be no block
	At    func(text string) int // where it goes in the text without it; when nil, where it was, else the end
	Test  string                // sh that checks the new file, named by $NEW, before anything is changed
	Title string                // made of the path when empty
	Made  bool                  // a file that is not there is made
}

// Reads asks for the file.
func (b Block) Reads() []remote.Query { return []remote.Query{remote.ReadFile(b.Path)} }

// Plan puts the block in, or takes it out.
func (b Block) Plan(seen Seen) ([]remote.Change, error) {
	title := "put our lines into " + b.Path
	if b.Text == "" {
		title = "take our lines out of " + b.Path
		if old, known := seen.File(b.Path); known && old == nil {
			return nil, nil
		}
	}
	return edit("block", b.Path, cmp.Or(b.Title, title), b.Test, seen, theirs(b.Made, func(text string) (string, error) {
		at := -1
		if rest, _ := CutBlock(text); b.At != nil {
			at = b.At(rest)
		}
		return PutBlock(text, b.Text, at), nil
	}))
}

// PutBlock is a text with the block in it that is wanted, and no other one of ours: at that place of the text without one;
// when that is -1, where it was, else at the end.
func PutBlock(text, block string, at int) string {
	rest, was := CutBlock(text)
	switch {
	case block == "":
		return rest
	case at >= 0:
		was = at
	case was < 0:
		was = len(rest)
	}
	return ended(rest[:was]) + BlockBegin + "\n" + ended(block) + BlockEnd + "\n" + rest[was:]
}

// CutBlock takes our block out of a text, as often as it is there, and tells where the last one was, -1 when there was none.
// A mark that has lost its other half stays.
func CutBlock(text string) (rest string, at int) {
	var kept []string
	begin := -1
	at = -1
	for line := range strings.Lines(text) {
		mark := strings.TrimSuffix(line, "\n")
		switch {
		case mark == BlockBegin, strings.HasPrefix(mark, BlockBegin+":"):
			begin = len(kept)
		case mark == BlockEnd && begin >= 0:
			kept, begin = kept[:begin], -1
			at = len(strings.Join(kept, ""))
			continue
		}
		kept = append(kept, line)
	}
	return strings.Join(kept, ""), at
}
