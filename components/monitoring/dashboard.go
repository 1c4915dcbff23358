package monitoring

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// Panels in a row, of the 24 columns that a dashboard has.
const (
	panelWidth  = 8
	panelHeight = 7
)

// datasource is the variable that holds the Prometheus to ask.
const datasource = "datasource"

// DashboardUID is what identifies the dashboard of a namespace in Grafana, and its path: /d/UID.
// Grafana allows 40 characters.
func DashboardUID(namespace string) string {
	sum := sha256.Sum256([]byte(namespace))
	return "llm-d-sim-" + hex.EncodeToString(sum[:8])
}

// DashboardTitle names the dashboard of a namespace.
func DashboardTitle(namespace string) string { return "llm-d-sim / " + namespace }

// Dashboard returns the dashboard of a stack, as Grafana's JSON.
func (s Stack) Dashboard() (string, error) {
	//nolint:staticcheck // The second version of the schema needs Grafana 12, the first suits all.
	board := dashboard.NewDashboardBuilder(DashboardTitle(s.Namespace)).
		Uid(DashboardUID(s.Namespace)).Tags([]string{"llm-d-sim"}).
		Time("now-30m", "now").Refresh("10s").Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dashboard.NewDatasourceVariableBuilder(datasource).Label("Data source").Type("prometheus"))
	id := uint32(0)
	for _, row := range s.rows() {
		board.WithRow(dashboard.NewRowBuilder(row.title))
		for _, panel := range row.panels {
			id++
			board.WithPanel(panel.build(id))
		}
	}
	built, err := board.Build()
	if err != nil {
		return "", fmt.Errorf("dashboard: %w", err)
	}
	out, err := json.MarshalIndent(built, "", " ")
	return string(out), err
}

func (p panel) build(id uint32) *timeseries.PanelBuilder {
	kind, uid := "prometheus", "${"+datasource+"}"
	graph := timeseries.NewPanelBuilder().
		Id(id).Title(p.title).Description(p.description).Unit(p.unit).Min(0).
		Span(panelWidth).Height(panelHeight).
		Datasource(common.DataSourceRef{Type: &kind, Uid: &uid})
	for i, q := range p.queries {
		graph.WithTarget(prometheus.NewDataqueryBuilder().
			RefId(string(rune('A' + i))).Expr(q.expr).LegendFormat(q.legend).Range())
	}
	return graph
}
