"""The pages that the gates write: model card and datasheet."""
