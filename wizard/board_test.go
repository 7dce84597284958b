package wizard

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestOnlyTheShellWritesOnTheBoard reads the package: whatever holds the board to read it assigns to nothing of it, takes
// nothing away, and has the answers kept by a message.
func TestOnlyTheShellWritesOnTheBoard(t *testing.T) {
	set := token.NewFileSet()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string][]string{} // of each struct; "*board" is one when it is embedded
	var funcs []*ast.FuncDecl
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeSpec:
				if s, ok := n.Type.(*ast.StructType); ok {
					for _, field := range s.Fields.List {
						for _, name := range field.Names {
							fields[n.Name.Name] = append(fields[n.Name.Name], name.Name)
						}
						if star, ok := field.Type.(*ast.StarExpr); ok && len(field.Names) == 0 && star.X.(*ast.Ident).Name == "board" {
							fields[n.Name.Name] = append(fields[n.Name.Name], "*board")
						}
					}
				}
			case *ast.FuncDecl:
				funcs = append(funcs, n)
			}
			return true
		})
	}
	readers := 0
	for _, f := range funcs {
		if f.Recv == nil || len(f.Recv.List[0].Names) == 0 {
			continue
		}
		of := strings.TrimPrefix(name(f.Recv.List[0].Type), "*")
		if of != "board" && !slices.Contains(fields[of], "*board") {
			continue
		}
		readers++
		receiver := f.Recv.List[0].Names[0].Name
		theirs := func(x ast.Expr) bool { // whether x leads through a field of the board
			path := strings.Split(name(x), ".")
			return len(path) > 1 && path[0] == receiver && slices.Contains(fields["board"], path[1]) && (of == "board" || !slices.Contains(fields[of], path[1]))
		}
		ast.Inspect(f, func(n ast.Node) bool {
			var written []ast.Expr
			switch n := n.(type) {
			case *ast.AssignStmt:
				written = n.Lhs
			case *ast.IncDecStmt:
				written = []ast.Expr{n.X}
			case *ast.CallExpr:
				called := name(n.Fun)
				if called == "delete" || called == "clear" {
					written = n.Args[:1]
				}
				if theirs(n.Fun) && slices.Contains([]string{"Set", "Save", "Mark"}, called[strings.LastIndex(called, ".")+1:]) {
					t.Errorf("%s: %s.%s calls %s: pages send messages", set.Position(n.Pos()), of, f.Name.Name, called)
				}
			}
			for _, x := range written {
				if theirs(x) {
					t.Errorf("%s: %s.%s writes %s: only the shell writes on the board", set.Position(x.Pos()), of, f.Name.Name, name(x))
				}
			}
			return true
		})
	}
	if readers < 50 {
		t.Errorf("only %d functions read the board: this test looks in the wrong place", readers)
	}
}

// name is an expression as far as it is names, elements of maps left out: p.file.Site.
func name(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.StarExpr:
		return "*" + name(x.X)
	case *ast.SelectorExpr:
		return name(x.X) + "." + x.Sel.Name
	case *ast.IndexExpr:
		return name(x.X)
	case *ast.ParenExpr:
		return name(x.X)
	}
	return ""
}
