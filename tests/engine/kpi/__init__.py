"""Tests of the KPI catalogue."""
