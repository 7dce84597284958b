package demo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestApart proves by the sources that nothing outside the program is touched: of the packages that reach outside only what
// does not is used.
func TestApart(t *testing.T) {
	never := []string{"os/exec", "os/user", "os/signal", "io/ioutil", "plugin", "net/http"}
	only := map[string][]string{
		"os": {"NewSyscallError"},
		"net": {"Conn", "Addr", "OpError", "DNSError", "AddrError", "JoinHostPort", "SplitHostPort", "TCPAddrFromAddrPort",
			"Pipe"},
		"syscall": {"Errno"}, // and constants: what has no small letters
		"run":     {"Fake", "Fakes", "Login", "Call"},
	}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range tree.Imports {
			if path := strings.Trim(spec.Path.Value, `"`); slices.Contains(never, path) {
				t.Errorf("%s imports %s", f.Name(), path)
			}
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok || x.Obj != nil {
				return true
			}
			name := sel.Sel.Name
			if may, known := only[x.Name]; known && !slices.Contains(may, name) && (x.Name != "syscall" || name != strings.ToUpper(name)) {
				t.Errorf("%s uses %s.%s", f.Name(), x.Name, name)
			}
			return true
		})
	}
}
