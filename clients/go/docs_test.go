package onhook_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

func TestEverythingThatIsExportedIsDocumented(t *testing.T) {
	for _, pattern := range []string{"*.go", "onhooktest/*.go"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			files := token.NewFileSet()
			parsed, err := parser.ParseFile(files, path, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, declared := range parsed.Decls {
				for _, name := range undocumented(declared) {
					t.Errorf("%s: %s", files.Position(name.Pos()), name.Name)
				}
			}
		}
	}
}

// undocumented are the exported names of a declaration that has no comment. A group's comment is for
// all that is in it.
func undocumented(node ast.Decl) []*ast.Ident {
	switch declared := node.(type) {
	case *ast.FuncDecl:
		if declared.Doc == nil && declared.Name.IsExported() && exportedReceiver(declared.Recv) {
			return []*ast.Ident{declared.Name}
		}
	case *ast.GenDecl:
		if declared.Doc != nil {
			return nil
		}
		var names []*ast.Ident
		for _, spec := range declared.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Doc == nil && spec.Name.IsExported() {
					names = append(names, spec.Name)
				}
			case *ast.ValueSpec:
				if spec.Doc == nil && spec.Names[0].IsExported() {
					names = append(names, spec.Names[0])
				}
			}
		}
		return names
	}
	return nil
}

func exportedReceiver(receiver *ast.FieldList) bool {
	if receiver == nil {
		return true
	}
	kind := receiver.List[0].Type
	if pointer, isPointer := kind.(*ast.StarExpr); isPointer {
		kind = pointer.X
	}
	name, isName := kind.(*ast.Ident)
	return isName && name.IsExported()
}
