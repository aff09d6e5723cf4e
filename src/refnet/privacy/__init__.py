"""What people may see and demand of their data: exports, the log of reads, retention."""
