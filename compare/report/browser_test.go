package report

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// TestABrowserShowsThePage opens a report in a headless Chromium, light and dark.
func TestABrowserShowsThePage(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	dir := t.TempDir()
	require.NoError(t, example().Write(dir))
	url := "file://" + filepath.Join(dir, HTMLFile)

	colors := map[string]string{}
	for _, scheme := range []string{"light", "dark"} {
		tab, cancel := chromedp.NewContext(browser)
		defer cancel()
		complaints := listen(tab, t, url)
		_, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		require.NoError(t, err)
		require.NoError(t, chromedp.Do(tab, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(url),
			chromedp.WaitVisible(chromedp.CSS("figure:last-child svg polyline"))))
		shown, err := chromedp.Run(tab, chromedp.Evaluate[struct {
			Plots, Curves, Overflow int
			Color                   string
		}](`({
			Plots: [...document.querySelectorAll("figure svg")].filter(e => e.getBoundingClientRect().height > 100).length,
			Curves: [...document.querySelectorAll("polyline")].filter(e => e.getBBox().height > 0).length,
			Overflow: document.documentElement.scrollWidth - innerWidth,
			Color: getComputedStyle(document.querySelector(".better")).color,
		})`))
		require.NoError(t, err)
		require.Empty(t, complaints(), scheme)
		require.Equal(t, 4, shown.Plots, "%s: plots that are drawn", scheme)
		require.Equal(t, 12, shown.Curves, "%s: two candidates in each of three, and three repetitions of both in one", scheme)
		require.LessOrEqual(t, shown.Overflow, 0, "%s: nothing is cut off at the right", scheme)
		colors[shown.Color] = scheme
	}
	require.Len(t, colors, 2, "light and dark have colors of their own: %v", colors)
}

// TestTheBrowserComplains shows that the test above can fail.
func TestTheBrowserComplains(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	file := filepath.Join(t.TempDir(), "bad.html")
	require.NoError(t, os.WriteFile(file, []byte(`<!doctype html><img src="`+server.URL+`">
<script>console.error("broken"); undefinedFunction()</script><p>end`), 0o600))
	url := "file://" + file
	tab, cancel := chromedp.NewContext(browser)
	defer cancel()
	complaints := listen(tab, t, url)
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(url), chromedp.WaitVisible(chromedp.CSS("p"))))
	all := fmt.Sprint(complaints())
	for _, want := range []string{"request of " + server.URL, "console: error", "undefinedFunction"} {
		require.Contains(t, all, want)
	}
}

// chromium starts a browser, and skips the test where there is none.
func chromium(t *testing.T) context.Context {
	t.Helper()
	options := chromedp.DefaultExecAllocatorOptions[:]
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses root.
	}
	found := false
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && !found {
			options, found = append(options, chromedp.ExecPath(path)), true
		}
	}
	if !found {
		t.Skip("there is no Chromium: install the package chromium to look at the report in a browser")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx))
	return ctx
}

// listen returns what a tab complains about: a request of anything but the page, whatever the
// page or the browser writes to the console, and exceptions.
func listen(tab context.Context, t *testing.T, page string) func() []string {
	t.Helper()
	var mutex sync.Mutex
	var all []string
	add := func(format string, args ...any) {
		mutex.Lock()
		defer mutex.Unlock()
		all = append(all, fmt.Sprintf(format, args...))
	}
	require.NoError(t, chromedp.Listen(tab, func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if e.Request.URL != page {
				add("request of %s", e.Request.URL)
			}
		case *runtime.EventConsoleAPICalled:
			add("console: %s", e.Type)
		case *runtime.EventExceptionThrown:
			thrown := e.ExceptionDetails.Text
			if object := e.ExceptionDetails.Exception; object != nil {
				thrown += " " + object.Description
			}
			add("exception: %s", thrown)
		case *log.EventEntryAdded:
			add("browser: %s: %s", e.Entry.Level, e.Entry.Text)
		}
	}))
	_, err := chromedp.Call(tab, network.Enable, network.EnableParams{})
	require.NoError(t, err)
	for _, enable := range []cdp.Command[cdp.Empty, cdp.Empty]{log.Enable, runtime.Enable} {
		_, err := chromedp.Call(tab, enable, cdp.Empty{})
		require.NoError(t, err)
	}
	return func() []string {
		mutex.Lock()
		defer mutex.Unlock()
		return all
	}
}
