// golang.org/x/mod/sumdb/{note,tlog} over cases.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type given struct {
	Kind, Vkey, Origin string
	Older, Proof, Leaf []byte
}

// open verifies a checkpoint; the package reads those of one origin only, so it is given that.
func open(written string, c given) (tree tlog.Tree, err error) {
	verifier, err := note.NewVerifier(c.Vkey)
	if err != nil {
		return
	}
	opened, err := note.Open([]byte(written), note.VerifierList(verifier))
	if err != nil {
		return
	}
	origin, rest, _ := strings.Cut(opened.Text, "\n")
	if origin != c.Origin {
		return tree, fmt.Errorf("of another origin")
	}
	return tlog.ParseTree([]byte("go.sum database tree\n" + rest))
}

func fields(text, opening string) (n int64, path []tlog.Hash, written string, err error) {
	before, written, found := strings.Cut(text, "\n\n")
	if !found || !strings.HasPrefix(before, opening) {
		return 0, nil, "", fmt.Errorf("does not begin with %s", opening)
	}
	lines := strings.Split(strings.TrimPrefix(before, opening), "\n")
	if n, err = strconv.ParseInt(lines[0], 10, 64); err != nil {
		return
	}
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return 0, nil, "", err
		}
		path = append(path, h)
	}
	return
}

func check(c given) error {
	if c.Kind == "checkpoint" {
		_, err := open(string(c.Older), c)
		return err
	}
	if c.Kind == "inclusion" {
		n, path, written, err := fields(string(c.Proof), "c2sp.org/tlog-proof@v1\nindex ")
		if err != nil {
			return err
		}
		h, err := open(written, c)
		if err != nil {
			return err
		}
		return tlog.CheckRecord(path, h.N, h.Hash, n, tlog.RecordHash(c.Leaf))
	}
	n, path, written, err := fields(string(c.Proof), "old ")
	if err != nil {
		return err
	}
	newer, err := open(written, c)
	if err != nil {
		return err
	}
	older, err := open(string(c.Older), c)
	if err != nil {
		return err
	}
	return tlog.CheckTree(path, newer.N, newer.Hash, n, older.Hash)
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		var raw map[string]string
		if err := json.Unmarshal(in.Bytes(), &raw); err != nil {
			panic(err)
		}
		c := given{Kind: raw["kind"], Vkey: raw["vkey"], Origin: raw["origin"]}
		c.Older, _ = base64.StdEncoding.DecodeString(raw["older"])
		c.Proof, _ = base64.StdEncoding.DecodeString(raw["proof"])
		c.Leaf, _ = base64.StdEncoding.DecodeString(raw["leaf"])
		if err := check(c); err != nil {
			fmt.Fprintln(out, "refuse", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Fprintln(out, "accept")
		}
	}
}
