// What a Kestrel application does, as far as a release system sees it: it reads the appsettings.json beside it,
// listens where ASPNETCORE_URLS says, writes to standard output, and stops in good order on SIGINT and SIGTERM.
using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;

class ShopApi
{
    static void Main()
    {
        Console.CancelKeyPress += (sender, given) => Console.WriteLine("Application is shutting down...");
        AppDomain.CurrentDomain.ProcessExit += (sender, given) => Console.WriteLine("Stopped.");
        var settings = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "appsettings.json"));
        var address = new Uri(Environment.GetEnvironmentVariable("ASPNETCORE_URLS"));
        var listener = new TcpListener(IPAddress.Parse(address.Host), address.Port);
        listener.Start();
        Console.WriteLine("Now listening on: " + address);
        while (true)
        {
            using (var client = listener.AcceptTcpClient())
            {
                var stream = client.GetStream();
                stream.Read(new byte[8192], 0, 8192);
                var body = Encoding.UTF8.GetBytes(settings + " on .NET " + Environment.Version);
                var head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + body.Length + "\r\n\r\n";
                stream.Write(Encoding.UTF8.GetBytes(head), 0, head.Length);
                stream.Write(body, 0, body.Length);
            }
        }
    }
}
