// Tables and charts of the live page and of the report. They take data and know nothing of where it comes from.
import "./figures.css";

export { Charts, type ChartsProps, RowCharts } from "./Charts";
export type { Column } from "./columns";
export { Groups, type GroupsProps } from "./Groups";
export { HealthPanel } from "./HealthPanel";
export { Journeys, type JourneysProps } from "./Journeys";
export { Metrics } from "./Metrics";
export { rowKey } from "./order";
export { Exceptions, type ExceptionsProps, Failures, type FailuresProps } from "./Problems";
export { Ratios, TaskTree } from "./Ratios";
export { RowDetails, type RowDetailsProps } from "./RowDetails";
export { Samples, type SamplesProps } from "./Samples";
export { StatsTable, type StatsTableProps } from "./StatsTable";
export { nameOf } from "./statsColumns";
export { Table } from "./Table";
