// Package release holds the differences between releases of llm-d's EPP, routing sidecar
// and simulator. It is the only place that compares versions: everything else reads the
// facts about the release in use. It imports no Pulumi.
//
// Each table is a list of changes, oldest first. A new release that changes something is
// one more row; one that changes nothing only raises the newest known version.
package release

import (
	"errors"
	"fmt"
	"strings"

	"github.com/distribution/reference"
	"k8s.io/apimachinery/pkg/util/version"
)

// Release is the release that a set of facts belongs to.
type Release struct {
	// Version such as v0.10.0, from the image's tag or the configuration, or the newest known
	// one if neither names a version.
	Version string
	// Warning says that this release is newer than any known one, so that the facts are those
	// of an older one. Empty otherwise.
	Warning string
}

// change is what a release changed. The first change of a table is its oldest release and
// sets all facts.
type change[T any] struct {
	since string
	apply func(*T)
}

// table holds the changes of one program.
type table[T any] struct {
	// program is the name to use in messages.
	program string
	// newest is the newest known release; the facts hold for all its patches.
	newest  string
	changes []change[T]
}

// of returns the facts about an image. Its tag decides, unless explicit names a version.
func (t table[T]) of(image, explicit string) (Release, T, error) {
	var facts T
	is, err := t.version(image, explicit)
	if err != nil {
		return Release{}, facts, err
	}
	for _, c := range t.changes {
		if is.AtLeast(version.MustParseGeneric(c.since)) {
			c.apply(&facts)
		}
	}
	release := Release{Version: "v" + is.String()}
	if newest := version.MustParseGeneric(t.newest); minor(newest).LessThan(minor(is)) {
		release.Warning = fmt.Sprintf("%s %s is newer than any release this program knows and is treated as %s",
			t.program, release.Version, t.newest)
	}
	return release, facts, nil
}

// minor drops the patch, since patches share the facts of their release.
func minor(v *version.Version) *version.Version { return version.MajorMinor(v.Major(), v.Minor()) }

func (t table[T]) version(image, explicit string) (*version.Version, error) {
	name := explicit
	if explicit == "" {
		tag, err := tagOf(image)
		if err != nil {
			return nil, err
		}
		name = tag
	}
	is, err := version.ParseGeneric(name)
	switch {
	case err != nil && explicit != "":
		return nil, fmt.Errorf("must be a version of %s from %s to %s, or newer", t.program, t.oldest(), t.newest)
	case err != nil:
		return version.MustParseGeneric(t.newest), nil
	case is.LessThan(version.MustParseGeneric(t.oldest())):
		return nil, fmt.Errorf("is %s %s: must be %s or newer", t.program, name, t.oldest())
	}
	return is, nil
}

// versions returns the releases that changed something, oldest first.
func (t table[T]) versions() []string {
	versions := make([]string, len(t.changes))
	for i, c := range t.changes {
		versions[i] = c.since
	}
	return versions
}

func (t table[T]) oldest() string { return t.changes[0].since }

// tagOf returns the tag of an image, empty if it has only a digest.
func tagOf(image string) (string, error) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return "", fmt.Errorf("must be an image reference such as registry/name:v1.2.3: %w", err)
	}
	if tagged, is := named.(reference.Tagged); is {
		return tagged.Tag(), nil
	}
	if _, is := named.(reference.Digested); is {
		return "", nil
	}
	return "", errors.New("has no tag, which means latest: add the tag of a release, such as " +
		strings.TrimSuffix(image, ":") + ":v1.2.3")
}
