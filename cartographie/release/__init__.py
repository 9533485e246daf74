"""Tables → the files of a release: data, workbook, page, maps, reports, manifest."""
