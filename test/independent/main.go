// Command independent checks what the audit log publishes with the libraries of other people: Go's own checksum
// database (golang.org/x/mod/sumdb), Trillian's tree (github.com/transparency-dev/merkle) and the formats of the
// transparency logs (github.com/transparency-dev/formats). It shares no code with the product.
//
//	independent FOLDER
//
// FOLDER holds keys.txt (verifier keys of the log, one a line), witnesses.txt (of its witnesses), checkpoints/*.txt
// (signed notes), inclusion/*.tlog-proof (with the entry as extra data) and consistency/*.txt ("from to", then a hash a
// line). It prints a line of JSON with what was verified, or the first fault, and then ends with 1.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/transparency-dev/formats/log"
	formatsnote "github.com/transparency-dev/formats/note"
	formatsproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type counts struct {
	Checkpoints  int `json:"checkpoints"`
	Cosignatures int `json:"cosignatures"`
	Inclusion    int `json:"inclusion"`
	Consistency  int `json:"consistency"`
}

type trust struct {
	log       []note.Verifier
	witnesses []note.Verifier
}

func main() {
	done, err := verifyFolder(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	text, _ := json.Marshal(done)
	fmt.Println(string(text))
}

func verifyFolder(folder string) (counts, error) {
	done := counts{}
	trusted, err := readTrust(folder)
	if err != nil {
		return done, err
	}
	heads := map[uint64][]byte{}
	err = eachFile(folder, "checkpoints/*.txt", func(text string) error {
		head, cosignatures, err := trusted.openCheckpoint([]byte(text))
		if err != nil {
			return err
		}
		if root, ok := heads[head.Size]; ok && !bytes.Equal(root, head.Hash) {
			return fmt.Errorf("two roots of size %d", head.Size)
		}
		heads[head.Size] = head.Hash
		done.Checkpoints++
		done.Cosignatures += cosignatures
		return nil
	})
	if err != nil {
		return done, err
	}
	err = eachFile(folder, "inclusion/*.tlog-proof", func(text string) error {
		done.Inclusion++
		return trusted.verifyInclusion(text)
	})
	if err != nil {
		return done, err
	}
	err = eachFile(folder, "consistency/*.txt", func(text string) error {
		done.Consistency++
		return verifyConsistency(text, heads)
	})
	return done, err
}

func readTrust(folder string) (trust, error) {
	trusted := trust{}
	keys, err := os.ReadFile(filepath.Join(folder, "keys.txt"))
	if err != nil {
		return trusted, err
	}
	for _, line := range strings.Fields(string(keys)) {
		verifier, err := note.NewVerifier(line)
		if err != nil {
			return trusted, fmt.Errorf("%s: %w", line, err)
		}
		trusted.log = append(trusted.log, verifier)
	}
	witnesses, err := os.ReadFile(filepath.Join(folder, "witnesses.txt"))
	if err != nil {
		return trusted, err
	}
	for _, line := range strings.Fields(string(witnesses)) {
		verifier, err := formatsnote.NewVerifierForCosignatureV1(line)
		if err != nil {
			return trusted, fmt.Errorf("%s: %w", line, err)
		}
		trusted.witnesses = append(trusted.witnesses, verifier)
	}
	return trusted, nil
}

func eachFile(folder, pattern string, verify func(string) error) error {
	paths, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := verify(string(text)); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
	}
	return nil
}

// openCheckpoint verifies the signature of one of the log's keys, and counts those of witnesses. The checksum database's
// code then reads the same three lines, under the first one that it expects.
func (trusted trust) openCheckpoint(text []byte) (*log.Checkpoint, int, error) {
	err := errors.New("the log has no key")
	for _, key := range trusted.log {
		var checkpoint *log.Checkpoint
		var opened *note.Note
		checkpoint, _, opened, err = log.ParseCheckpoint(text, key.Name(), key, trusted.witnesses...)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(opened.Text, "\n")
		tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
		if err != nil {
			return nil, 0, err
		}
		if uint64(tree.N) != checkpoint.Size || !bytes.Equal(tree.Hash[:], checkpoint.Hash) {
			return nil, 0, errors.New("two readers of one checkpoint differ")
		}
		return checkpoint, len(opened.Sigs) - 1, nil
	}
	return nil, 0, err
}

func (trusted trust) verifyInclusion(text string) error {
	given := formatsproof.TLogProof{}
	if err := given.Unmarshal([]byte(text)); err != nil {
		return err
	}
	checkpoint, _, err := trusted.openCheckpoint(given.Checkpoint)
	if err != nil {
		return err
	}
	path := [][]byte{}
	for _, hash := range given.Hashes {
		path = append(path, hash[:])
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(given.ExtraData)
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, given.Index, checkpoint.Size, leaf, path, checkpoint.Hash); err != nil {
		return err
	}
	root := tlog.Hash(*(*[32]byte)(checkpoint.Hash))
	return tlog.CheckRecord(
		treeProof(path), int64(checkpoint.Size), root, int64(given.Index), tlog.RecordHash(given.ExtraData))
}

func verifyConsistency(text string, heads map[uint64][]byte) error {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var from, to uint64
	if _, err := fmt.Sscanf(lines[0], "%d %d", &from, &to); err != nil {
		return err
	}
	path, err := decodeHashes(lines[1:])
	if err != nil {
		return err
	}
	first, second := heads[from], heads[to]
	if first == nil || second == nil {
		return errors.New("there is no checkpoint of one of the sizes")
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, from, to, path, first, second); err != nil {
		return err
	}
	return tlog.CheckTree(
		treeProof(path), int64(to), tlog.Hash(*(*[32]byte)(second)), int64(from), tlog.Hash(*(*[32]byte)(first)))
}

func decodeHashes(lines []string) ([][]byte, error) {
	hashes := [][]byte{}
	for _, line := range lines {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(hash) != sha256.Size {
			return nil, fmt.Errorf("%q is no hash", line)
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

func treeProof(path [][]byte) []tlog.Hash {
	hashes := []tlog.Hash{}
	for _, hash := range path {
		hashes = append(hashes, *(*[32]byte)(hash))
	}
	return hashes
}
