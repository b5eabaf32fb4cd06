package onhook_test

import (
	"bufio"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"onhook.dev/onhook/onhooktest"
)

func readmeBlocks(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, found := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(content, -1) {
		blocks = append(blocks, string(found[1]))
	}
	return blocks
}

func TestTheReadmesConsumerRuns(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gateway := onhooktest.NewGateway(onhooktest.WithListener(listener))
	defer gateway.Close()

	program := consumer(t, strings.Replace(readmeBlocks(t)[0], "127.0.0.1:50051", listener.Addr().String(), 1))
	process := exec.Command(program)
	output, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = process.Process.Kill() }() // if it has not ended by then
	event := onhooktest.NewEvent("c-1")
	gateway.Publish(event)
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || line != event.GetEventId()+"\n" {
		t.Errorf("it wrote %q, %v", line, err)
	}
	if _, err := gateway.AwaitSettlements(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := process.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

func TestTheReadmesTestPasses(t *testing.T) {
	blocks := readmeBlocks(t)
	folder := module(t, map[string]string{"main.go": blocks[0], "main_test.go": blocks[testBlock(t, blocks)]})
	output, err := inFolder(folder, "test", "-mod=mod", "-v", ".").CombinedOutput()
	if err != nil || !strings.Contains(string(output), "--- PASS: TestWrapUp") {
		t.Errorf("%v\n%s", err, output)
	}
}

// testBlock is which block is a test.
func testBlock(t *testing.T, blocks []string) int {
	t.Helper()
	index := slices.IndexFunc(blocks, func(block string) bool { return strings.Contains(block, "func Test") })
	if index < 0 {
		t.Fatal("the README has no test")
	}
	return index
}

// consumer builds a program as a module of its own.
func consumer(t *testing.T, source string) string {
	t.Helper()
	folder := module(t, map[string]string{"main.go": source})
	program := filepath.Join(folder, "consumer")
	if output, err := inFolder(folder, "build", "-mod=mod", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return program
}

func inFolder(folder string, arguments ...string) *exec.Cmd {
	command := exec.Command("go", arguments...)
	command.Dir = folder
	return command
}

// module makes a folder with a module of these files, which finds this one here.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	requirements, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, required, _ := strings.Cut(string(requirements), "\n")
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	files = maps.Clone(files)
	files["go.sum"] = string(sums)
	files["go.mod"] = "module consumer\n" + required +
		"\nrequire onhook.dev/onhook v0.1.0\n\nreplace onhook.dev/onhook => " + here + "\n"
	folder := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestTheReadmesCodeIsThatOfTheExamples(t *testing.T) {
	examples, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := readmeBlocks(t)
	programs := []int{0, testBlock(t, blocks)}
	for index, block := range blocks {
		if slices.Contains(programs, index) {
			continue // it is run as it stands
		}
		indented := regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(block, "\t$1")
		if !strings.Contains(string(examples), indented) {
			t.Errorf("no example has this:\n%s", block)
		}
	}
}
