package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is one Go file of the project, read anew by every run: the test cache keeps track of files that are opened, but
// not of what another program such as go list reads.
type source struct {
	path string // from the top of the repository, with slashes
	pkg  string // its folder
	text string
	file *ast.File
	set  *token.FileSet
}

func (s source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

func (s source) at(p token.Pos) string { return fmt.Sprintf("%s:%d", s.path, s.set.Position(p).Line) }

const top = "../.."

// texts are the files of the repository with one of the endings.
func texts(t *testing.T, endings ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, top+string(filepath.Separator)))
		switch {
		case name == ".git" && !d.IsDir(): // of a second work tree
			return nil
		case d.IsDir() && slices.Contains([]string{".git", "bin", "dist"}, name):
			return filepath.SkipDir
		case d.IsDir():
			return nil
		}
		if len(endings) == 0 || slices.Contains(endings, filepath.Ext(name)) {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if !strings.Contains(string(text), "\x00") { // a program built here is not of the project
				found[name] = string(text)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func sources(t *testing.T) []source {
	t.Helper()
	var list []source
	for path, text := range texts(t, ".go") {
		s := source{path: path, pkg: filepath.ToSlash(filepath.Dir(path)), text: text, set: token.NewFileSet()}
		var err error
		if s.file, err = parser.ParseFile(s.set, path, text, parser.ParseComments); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	if len(list) < 50 {
		t.Fatalf("only %d Go files found: this test looks in the wrong place", len(list))
	}
	slices.SortFunc(list, func(a, b source) int { return strings.Compare(a.path, b.path) })
	return list
}

// mayImport is the table of design.md 2: which packages of ours a package may import, and why no more.
var mayImport = map[string]struct {
	ours []string
	why  string
}{
	"cmd/postern":       {[]string{"wizard", "report", "run", "saved", "steps", "checks", "checks/path", "checks/smtp", "remote", "site", "zone", "demo"}, "it wires everything, and tells what checks/smtp would send; what a firewall or a hoster is like is not its business"},
	"wizard":            {[]string{"wizard/draw", "report", "run", "site", "steps", "checks", "checks/path", "remote"}, "it draws; the driver does"},
	"wizard/draw":       {[]string{"report", "site"}, "it makes rows of a terminal, whoever says what stands in them"},
	"report":            {[]string{"run", "site", "steps", "checks", "checks/path", "remote"}, "it puts values into words; who shows them is not its business"},
	"run":               {[]string{"site", "seen", "saved", "steps", "checks", "checks/families", "checks/path", "remote"}, "the one driver: it joins steps to checks"},
	"steps":             {[]string{"site", "seen", "zone", "remote", "steps/caddy", "steps/certificate", "steps/does", "steps/firewall", "steps/firewall/pf", "steps/haraka", "steps/provider", "steps/toaster", "steps/wireguard"}, "it plans; were it to import checks, one wrong idea could fool both"},
	"steps/does":        {[]string{"remote"}, "what can be done to a host is no chapter's own"},
	"steps/firewall":    {[]string{"site", "seen", "steps/does", "remote"}, "it renders a policy, and knows no chapter"},
	"steps/toaster":     {[]string{"site", "seen", "seen/pf", "steps/does", "steps/firewall", "steps/firewall/pf", "remote"}, "the jails of one host and their rules; the main file of pf is not its business"},
	"steps/firewall/pf": {[]string{"site", "seen", "seen/pf", "steps/does", "steps/firewall", "remote"}, "it renders a policy for one system, and knows no chapter"},
	"steps/provider":    {nil, "what hosters say is data"},
	"checks":            {[]string{"site", "seen", "remote"}, "it looks; it must not share code with what makes things so"},
	"seen":              {[]string{"site", "seen/pf", "remote"}, "it reads hosts, and does not know what for"},
	"saved":             {[]string{"site", "seen", "remote"}, "it is what was answered, and does not know what for"},
	"seen/pf":           {nil, "it reads the language of a firewall, and does not know whose rules they are"},
	"remote":            {[]string{"remote/agent", "remote/sshconfig"}, "it reaches hosts, and does not know what for"},
	"remote/agent":      {nil, "it is shell that a host runs by itself, and knows no connection"},
	"zone":              {[]string{"site"}, "it is which records are wanted, and does not know who publishes or asks them"},
	"site":              {nil, "it is what is wanted, and does not know how to get there"},
	"tools/mutants":     {nil, "it breaks what it must not be part of"},
	"lab":               {[]string{"lab/dns", "lab/mx"}, "a test bed that shares code with the program proves less"},
	"demo":              {[]string{"run", "seen", "seen/pf", "remote"}, "its hosts answer what is asked, and do not know what is wanted"},

	"steps/wireguard":   {[]string{"site", "seen", "steps/does", "remote"}, "it makes the tunnel of one host, and knows no chapter"},
	"steps/haraka":      {[]string{"site", "seen", "zone", "steps/does", "remote"}, "it makes the mail server of a proxy, and knows no chapter"},
	"steps/caddy":       {[]string{"site", "seen", "zone", "steps/does", "remote"}, "it makes the web server of a proxy, and knows no chapter"},
	"steps/certificate": {[]string{"site", "seen", "steps/does", "remote"}, "it brings a certificate from one host to the other, and knows no chapter"},
	"checks/cert":       {[]string{"checks", "site", "seen", "remote"}, "a family knows no other, and nothing of who hands a certificate over"},
	"checks/families":   {[]string{"checks/cert", "checks/dns", "checks/host", "checks/firewall", "checks/jails", "checks/mailcow", "checks/smtp", "checks/tunnel", "checks/web"}, "it lists"},
	"checks/smtp":       {[]string{"checks", "checks/path", "site", "seen", "zone", "remote"}, "a family knows no other, and nothing of how a mail server is made"},
	"checks/dns":        {[]string{"checks", "site", "seen", "zone", "remote"}, "a family knows no other"},
	"lab/dns":           {nil, "it tells what stands in files, and knows no host"},
	"lab/mx":            {nil, "it takes mail and writes down who brought it, and knows no host"},
	"checks/path":       {[]string{"checks", "site", "seen", "remote"}, "it follows packets, and knows no family"},
	"checks/host":       {[]string{"checks", "site", "seen", "remote"}, "a family knows no other"},
	"checks/firewall":   {[]string{"checks", "site", "seen", "seen/pf", "remote"}, "a family knows no other, and nothing of how rules are made"},
	"checks/jails":      {[]string{"checks", "site", "seen", "seen/pf", "remote"}, "a family knows no other, and nothing of how rules are written"},
	"checks/mailcow":    {[]string{"checks", "site", "seen", "remote"}, "a family knows no other, and nothing of how Mailcow is set"},
	"checks/tunnel":     {[]string{"checks", "site", "seen", "remote"}, "a family knows no other, and nothing of how a tunnel is made"},
	"checks/web":        {[]string{"checks", "site", "seen", "zone", "remote"}, "a family knows no other, and nothing of how a web server is made"},
	"remote/sshconfig":  {nil, "it tells what ssh would do, and does nothing"},
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		rule, listed := mayImport[s.pkg]
		if !listed {
			t.Errorf("%s: the package %s is not in the table of design.md 2", s.path, s.pkg)
			continue
		}
		for _, spec := range s.file.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			ours, found := strings.CutPrefix(path, "postern/")
			switch {
			case found && ours == "lab":
				t.Errorf("%s: nothing imports the lab", s.at(spec.Pos()))
			case found && !s.test() && !slices.Contains(rule.ours, ours):
				t.Errorf("%s: %s must not import %s: %s", s.at(spec.Pos()), s.pkg, ours, rule.why)
			case found && s.test() && strings.HasPrefix(s.pkg, "steps") && strings.HasPrefix(ours, "checks"),
				found && s.test() && strings.HasPrefix(s.pkg, "checks") && strings.HasPrefix(ours, "steps"):
				t.Errorf("%s: steps and checks do not know each other, their tests neither", s.at(spec.Pos()))
			}
		}
	}
}

// only lists what a few packages alone may import: everything that touches the world.
var only = map[string]struct {
	may []string
	why string
}{
	"golang.org/x/crypto/ssh":               {[]string{"remote"}, "only remote opens SSH"},
	"github.com/alecthomas/kong":            {[]string{"cmd/postern"}, "only cmd reads the command line"},
	"golang.org/x/term":                     {[]string{"cmd/postern", "wizard"}, "only cmd and the wizard know terminals"},
	"github.com/BurntSushi/toml":            {[]string{"site"}, "the answers' format is site's"},
	"github.com/aymanbagabas/go-udiff":      {[]string{"report"}, "plans are values; report puts them into words"},
	"charm.land/":                           {[]string{"wizard", "wizard/draw"}, "screens live in the wizard and nowhere else"},
	"os/exec":                               {[]string{"remote", "remote/sshconfig", "cmd/postern", "lab", "tools/mutants"}, "steps plan, checks look, remote acts"},
	"os/signal":                             {[]string{"cmd/postern", "lab"}, "only commands know signals"},
	"os":                                    {[]string{"remote", "remote/sshconfig", "cmd/postern", "lab", "lab/dns", "lab/mx", "site", "demo", "wizard", "tools/mutants"}, "planning and looking touch no file of this machine"},
	"github.com/skeema/knownhosts":          {[]string{"remote"}, "only remote opens SSH"},
	"github.com/kevinburke/ssh_config":      {[]string{"remote/sshconfig"}, "what ssh would do is told there"},
	"github.com/rogpeppe/go-internal":       {nil, "it is for tests"},
	"github.com/miekg/dns":                  {[]string{"checks/dns", "lab/dns", "demo"}, "only these know the DNS's wire"},
	"blitiri.com.ar/go/spf":                 {[]string{"checks/dns", "checks/smtp", "lab/mx"}, "what SPF comes to is asked there"},
	"github.com/emersion/go-smtp":           {[]string{"lab/mx"}, "only the lab takes mail"},
	"github.com/emersion/go-msgauth/":       {[]string{"checks/smtp", "lab/mx"}, "what a signature is worth is asked there"},
	"math/rand":                             {nil, "randomness is an argument, or crypto/rand"},
	"unsafe":                                {[]string{"lab"}, "nothing here needs it"},
	"github.com/stretchr/testify":           {nil, "plain comparisons read better"},
	"golang.org/x/crypto/ssh/terminal":      {nil, "it is golang.org/x/term now"},
	"github.com/charmbracelet/":             {[]string{"wizard", "wizard/draw"}, "screens live in the wizard and nowhere else"},
	"golang.org/x/crypto/ssh/knownhosts":    {[]string{"remote"}, "only remote opens SSH"},
	"golang.org/x/crypto/ssh/agent":         {[]string{"remote"}, "only remote opens SSH"},
	"github.com/rogpeppe/go-internal/txtar": {nil, "it is for tests"},
}

func TestEdges(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		for _, spec := range s.file.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			for name, rule := range only {
				prefix := strings.HasSuffix(name, "/") && strings.HasPrefix(path, name)
				if (path == name || prefix) && !slices.Contains(rule.may, s.pkg) {
					t.Errorf("%s: %s must not import %s: %s", s.at(spec.Pos()), s.pkg, path, rule.why)
				}
			}
		}
	}
}

// words are the names of remote that count as types for those who plan and look: values, and how to write them down.
// Whoever only plans must not be able to reach a host.
var words = []string{"Change", "File", "Query", "Facts", "Answer", "Text", "Risk", "NoRisk", "LoseMail", "LoseSSH", "Quote",
	"ReadFile", "ReadRun", "ReadShared", "ReadUnit", "Clean", "AnswersPath", "MaxAnswer", "MaxText"}

// places are what a check needs besides: to dial and to listen from a place it is given.
var places = []string{"Dialer", "Listener", "ErrNoVantage", "ErrLost", "Words"}

func TestPlannersOnlyKnowTypes(t *testing.T) {
	for _, s := range sources(t) {
		allowed := words
		switch s.pkg {
		case "steps", "steps/does", "steps/firewall", "steps/firewall/pf", "steps/toaster", "steps/wireguard", "seen":
		case "checks":
			allowed = append(slices.Clone(words), places...)
		default:
			continue
		}
		for _, use := range uses(s, "remote") {
			if !s.test() && !slices.Contains(allowed, use.Sel.Name) {
				t.Errorf("%s: remote.%s is more than a type: %s plans or looks, and is given what it needs", s.at(use.Pos()), use.Sel.Name, s.pkg)
			}
		}
	}
}

// uses lists the selectors on a package.
func uses(s source, pkg string) []*ast.SelectorExpr {
	var found []*ast.SelectorExpr
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == pkg && x.Obj == nil {
				found = append(found, sel)
			}
		}
		return true
	})
	return found
}

// edges are calls that only some files may make.
var edges = []struct {
	call string // package.Name, or package.Prefix*
	may  []string
	why  string
}{
	{"os.Exit", []string{"cmd/postern/main.go", "lab/", "tools/"}, "only main ends the program"},
	{"log.*", nil, "say.go is the voice, runlog.go the log"},
	{"fmt.Print*", []string{"lab/", "tools/"}, "say.go is the only way to a terminal"},
	{"os.Stdout", []string{"cmd/postern/main.go", "lab/", "tools/"}, "say.go is the only way to a terminal"},
	{"os.Stderr", []string{"cmd/postern/main.go", "lab/", "tools/"}, "say.go is the only way to a terminal"},
	{"os.Args", []string{"cmd/postern/main.go", "lab/", "tools/"}, "only cmd reads the command line"},
	{"os.Getenv", []string{"cmd/postern/main.go", "lab/", "tools/"}, "the environment is an argument"},
	{"time.Now", []string{"cmd/postern/main.go", "remote/", "lab/", "tools/", "demo/", "wizard/"}, "planning and looking are given the clock"},
	{"fmt.Fprint*", []string{"cmd/postern/say.go", "cmd/postern/runlog.go", "lab/", "tools/"}, ""},
}

func TestCalls(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		for _, e := range edges {
			pkg, name, _ := strings.Cut(e.call, ".")
			prefix, wild := strings.CutSuffix(name, "*")
			for _, use := range uses(s, pkg) {
				if use.Sel.Name != name && !(wild && strings.HasPrefix(use.Sel.Name, prefix)) {
					continue
				}
				if e.why == "" && !toTerminal(s, use) {
					continue
				}
				if !slices.ContainsFunc(e.may, func(p string) bool { return strings.HasPrefix(s.path, p) }) {
					t.Errorf("%s: %s.%s: %s", s.at(use.Pos()), pkg, use.Sel.Name, e.why)
				}
			}
		}
	}
}

// toTerminal says whether a call of Fprint writes to a standard stream.
func toTerminal(s source, use *ast.SelectorExpr) bool {
	line := strings.Split(s.text, "\n")[s.set.Position(use.Pos()).Line-1]
	return regexp.MustCompile(`Fprint\w*\((os|\w+\.world)\.`).MatchString(line) || regexp.MustCompile(`Fprint\w*\(\w*\.?std(out|err)`).MatchString(line)
}

// mailPorts are the numbers that stand in site alone. As text they would be just as hard to change.
var (
	mailPorts = []string{"25", "110", "143", "465", "587", "993", "995", "2526", "51820"}
	portText  = regexp.MustCompile(`\b(587|993|995|2526|51820)\b`)
)

func TestPortsStandInSiteAlone(t *testing.T) {
	for _, s := range sources(t) {
		if s.test() || s.pkg == "site" || s.pkg == "lab" || s.pkg == "demo" || s.pkg == "steps/provider" || s.path == "seen/pf/words.go" { // what hosters block are the world's ports, and what FreeBSD calls them
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			switch {
			case !ok:
			case lit.Kind == token.INT && slices.Contains(mailPorts, lit.Value):
				t.Errorf("%s: %s is a port: take it from the site", s.at(lit.Pos()), lit.Value)
			case lit.Kind == token.STRING && portText.MatchString(lit.Value):
				t.Errorf("%s: %s names a port: take it from the site", s.at(lit.Pos()), lit.Value)
			}
			return true
		})
	}
	for path, text := range texts(t, ".sh") {
		if !strings.HasPrefix(path, "lab/") && portText.MatchString(text) {
			t.Errorf("%s names a port: take it from the site", path)
		}
	}
}

// TestHostTextIsCleaned keeps raw answers of hosts away from words for people: they are parsed, or become a remote.Text.
func TestHostTextIsCleaned(t *testing.T) {
	raw := regexp.MustCompile(`\b(Sprintf|Errorf|line|WriteString)\([^\n]*\b(answer|reply|a|r)\.Out\b`)
	for _, s := range sources(t) {
		if s.test() || s.pkg == "lab" || s.pkg == "demo" {
			continue
		}
		for i, line := range strings.Split(s.text, "\n") {
			if raw.MatchString(line) && !strings.Contains(line, "Clean(") {
				t.Errorf("%s:%d: raw text of a host goes into words; remote.Clean it", s.path, i+1)
			}
		}
	}
}

// asIs are the places where an error's own text is needed: it is compared, joined, or told by the one who wrote it.
var asIs = map[string]string{
	"wizard/applyend.go": "what a sentinel says is taken off", "wizard/ask.go": "site's own words, which name a key", "cmd/postern/guided.go": "likewise",
	"cmd/postern/say.go": "an error that wraps one", "cmd/postern/cli.go": "kong's words", "cmd/postern/past.go": "for the log",
}

// TestErrorsAreWorded keeps what Go's packages say of connections and time from people: what is shown of an error is remote.Words.
func TestErrorsAreWorded(t *testing.T) {
	for _, s := range sources(t) {
		if _, fine := asIs[s.path]; fine || s.test() || !slices.Contains([]string{"cmd/postern", "wizard", "report", "checks"}, strings.TrimSuffix(s.pkg, "/draw")) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) > 0 {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Error" {
				t.Errorf("%s: an error's own text is shown: remote.Words has it in words", s.at(call.Pos()))
			}
			return true
		})
	}
}

func TestInterfacesAreFew(t *testing.T) {
	var found []string
	for _, s := range sources(t) {
		if s.test() || s.pkg == "lab" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if i, ok := spec.Type.(*ast.InterfaceType); ok {
				found = append(found, s.pkg+"."+spec.Name.Name)
				wide := s.pkg == "run" && spec.Name.Name == "Login" // all that a host is asked: its other side is a whole fake host
				if i.Methods.NumFields() > 2 && !wide {
					t.Errorf("%s: %s has %d methods; two are plenty", s.at(spec.Pos()), spec.Name.Name, i.Methods.NumFields())
				}
			}
			return true
		})
	}
	if len(found) > 5 {
		t.Errorf("%d interfaces, at most five: %s", len(found), strings.Join(found, ", "))
	}
}
