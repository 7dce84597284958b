package does

import (
	"cmp"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"postern/remote"
)

// Download is a file from elsewhere: it is what it should be, or not there at all. A new version belongs under a new path, so
// that the unit that runs it changes with it.
type Download struct {
	URL    string
	Path   string
	Size   int64
	SHA256 string
	Mode   fs.FileMode // 0644 when zero
	Plain  bool        // http will do, because the hash proves it
}

// Reads asks what is there.
func (d Download) Reads() []remote.Query {
	return ifIs("download", d.Path, "-f", "sha256sum <"+remote.Quote(d.Path))
}

// Plan fetches it, unless the very same is there.
func (d Download) Plan(seen Seen) ([]remote.Change, error) {
	out, err := seen.said("download " + d.Path)
	u, e := url.Parse(d.URL)
	if err := cmp.Or(place(d.Path), match(sha256Hex, d.SHA256, "a SHA-256"), e, err); err != nil {
		return nil, err
	}
	if u.Host == "" || u.User != nil || u.Scheme != "https" && !(d.Plain && u.Scheme == "http") {
		return nil, fmt.Errorf("%q is not an https address", d.URL)
	}
	mode, _, _ := dressed(d.Mode, "", 0o644)
	p, keep := remote.Quote(d.Path), ""
	var back string
	switch was := strings.Fields(out); {
	case len(was) == 2 && was[0] == d.SHA256:
		return nil, nil
	case len(was) == 2 && was[0] == "below":
		back = "rm -f " + p + " " + p + ".new\n" + unmade(d.Path, was[1])
	case len(was) != 2 || !sha256Hex.MatchString(was[0]):
		return nil, fmt.Errorf("%s: it cannot be told what is there", d.Path)
	default:
		keep = "[ -e " + p + ".was ] || ln " + p + " " + p + ".was\n"
		back = "rm -f " + p + ".new\n[ ! -e " + p + ".was ] || { rm -f " + p + " && mv " + p + ".was " + p + "; }\n"
	}
	return []remote.Change{{ID: id("download", d.Path), Title: "fetch " + d.URL, Why: "its size and SHA-256 are compared before it is put in place",
		Do: fmt.Sprintf(fetch, p, remote.Quote(d.URL), d.SHA256, d.Size, mode, keep), Undo: back,
		Takes: 2*time.Minute + time.Duration(d.Size/100_000)*time.Second}}, nil
}

// fetch uses apt's own downloader, which every Debian has: it knows the host's proxies, and goes from https to nothing else.
const fetch = `new=%[1]s.new
mkdir -p "${new%%/*}"
rm -f "$new"
PATH=$PATH:/usr/lib/apt apt-helper -q -o Acquire::Retries=2 download-file %[2]s "$new" SHA256:%[3]s
size=$(wc -c <"$new")
case "$((size)) $(sha256sum <"$new")" in
'%[4]d %[3]s '*) ;;
*) rm -f "$new"; echo "what came has $((size)) bytes and is not what it should be (%[4]d bytes)"; exit 1 ;;
esac
chmod %[5]o "$new"
%[6]smv -f "$new" %[1]s
`
